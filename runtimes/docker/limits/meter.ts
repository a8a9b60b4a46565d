import type { ContainerCgroup } from './container-cgroup.ts';

export interface MeterReading {
  readonly cpuNs: bigint;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
}

/** What a container uses, as the kernel counts it. Never falls; what was read last stands when the container is gone. */
export class Meter {
  #cgroup: ContainerCgroup | undefined;
  #cpuNs = 0n;
  #peakBytes = 0;

  attach(cgroup: ContainerCgroup): void {
    this.#cgroup = cgroup;
  }

  read(): MeterReading {
    const cpuNs = this.#cgroup?.cpuNs() ?? 0n;
    if (cpuNs > this.#cpuNs) this.#cpuNs = cpuNs;
    const memoryBytes = this.#cgroup?.memoryBytes() ?? 0;
    this.#peakBytes = Math.max(this.#peakBytes, memoryBytes, this.#cgroup?.memoryPeakBytes() ?? 0);
    return { cpuNs: this.#cpuNs, memoryBytes, memoryPeakBytes: this.#peakBytes };
  }
}
