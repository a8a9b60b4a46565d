import type { RuntimeStats } from '../../../src/interface/exe-unit-runtime.ts';
import type { ContainerCgroup } from './container-cgroup.ts';
import { trafficOf, type NetworkTraffic } from './network.ts';

export type MeterReading = Omit<RuntimeStats, 'diskBytes'>;

const NANO = 1_000_000_000n;

/** What a container uses, as the kernel counts it. Never falls; what was read last stands when the container is gone. */
export class Meter {
  #cgroup: ContainerCgroup | undefined;
  #cpuNs = 0n;
  #peakBytes = 0;
  #traffic: NetworkTraffic = { inBytes: 0n, outBytes: 0n };

  attach(cgroup: ContainerCgroup): void {
    this.#cgroup = cgroup;
  }

  read(): MeterReading {
    const cpuNs = this.#cgroup?.cpuNs() ?? 0n;
    if (cpuNs > this.#cpuNs) this.#cpuNs = cpuNs;
    const memoryBytes = this.#cgroup?.memoryBytes() ?? 0;
    this.#peakBytes = Math.max(this.#peakBytes, memoryBytes, this.#cgroup?.memoryPeakBytes() ?? 0);
    this.#readTraffic();
    return {
      cpuNs: this.#cpuNs,
      memoryBytes,
      memoryPeakBytes: this.#peakBytes,
      counters: {
        'ergon.usage.network.in_bytes': this.#traffic.inBytes * NANO,
        'ergon.usage.network.out_bytes': this.#traffic.outBytes * NANO,
      },
    };
  }

  #readTraffic(): void {
    const now = this.#cgroup === undefined ? undefined : trafficOf(this.#cgroup);
    if (now === undefined) return;
    const before = this.#traffic;
    this.#traffic = {
      inBytes: now.inBytes > before.inBytes ? now.inBytes : before.inBytes,
      outBytes: now.outBytes > before.outBytes ? now.outBytes : before.outBytes,
    };
  }
}
