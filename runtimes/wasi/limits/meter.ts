import type { EndedReport } from '../sandbox/runner-process.ts';
import type { Cgroup } from './cgroup.ts';
import { cpuNsOf, memoryOf, resetMemoryPeak } from './proc.ts';

/** What has been used so far; memory is resident memory, now and at its highest. */
export interface MeterReading {
  readonly cpuNs: bigint;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
}

/**
 * What the guests of one deployment use, all runs together. The runner is there before its guest: what it has used by
 * the start of a run is taken off, so a bill has nothing of ours in it. Never falls.
 */
export class Meter {
  readonly #cgroup: Cgroup | undefined;
  #pid: number | undefined;
  #cpuBeforeNs = 0n;
  #memoryBefore = 0;
  /** Of the runs that have ended. */
  #cpuEndedNs = 0n;
  #cpuRunNs = 0n;
  #peakBytes = 0;

  constructor(cgroup: Cgroup | undefined) {
    this.#cgroup = cgroup;
  }

  /**
   * A guest is about to start in this process.
   * @param memoryBefore resident memory of the process before it knew the module
   */
  begin(pid: number, memoryBefore: number): void {
    this.#pid = pid;
    resetMemoryPeak(pid);
    this.#cpuBeforeNs = this.#cpuNs() ?? 0n;
    this.#memoryBefore = memoryBefore;
  }

  read(): MeterReading {
    this.#sampleCpu();
    const memory = this.#pid === undefined ? undefined : memoryOf(this.#pid);
    if (memory !== undefined) this.#raisePeak(memory.peakBytes);
    return {
      cpuNs: this.#cpuEndedNs + this.#cpuRunNs,
      memoryBytes: Math.max(0, (memory?.bytes ?? 0) - this.#memoryBefore),
      memoryPeakBytes: this.#peakBytes,
    };
  }

  /** The process has ended; `report` has what it said last, if it could. */
  end(report: EndedReport | undefined): void {
    this.#sampleCpu();
    if (report !== undefined) {
      this.#raisePeak(report.peakRssBytes);
      // Without control groups the kernel's account went with the process.
      if (this.#cgroup?.cpuNs() === undefined) this.#raiseCpu(BigInt(report.cpuUs) * 1000n);
    }
    this.#cpuEndedNs += this.#cpuRunNs;
    this.#cpuRunNs = 0n;
    this.#pid = undefined;
  }

  #cpuNs(): bigint | undefined {
    return this.#cgroup?.cpuNs() ?? (this.#pid === undefined ? undefined : cpuNsOf(this.#pid));
  }

  #sampleCpu(): void {
    if (this.#pid === undefined) return;
    const now = this.#cpuNs();
    if (now !== undefined) this.#raiseCpu(now - this.#cpuBeforeNs);
  }

  #raiseCpu(cpuNs: bigint): void {
    if (cpuNs > this.#cpuRunNs) this.#cpuRunNs = cpuNs;
  }

  #raisePeak(residentBytes: number): void {
    this.#peakBytes = Math.max(this.#peakBytes, residentBytes - this.#memoryBefore);
  }
}
