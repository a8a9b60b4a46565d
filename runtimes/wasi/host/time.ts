/** The guest's clocks, injected so that tests need not wait. All in nanoseconds. */
export interface GuestTime {
  realtimeNs(): bigint;
  /** From the start of the run. */
  monotonicNs(): bigint;
  /** CPU time of the guest. */
  cpuNs(): bigint;
  /** Blocks the calling thread. */
  sleepNs(durationNs: bigint): void;
}

const LONGEST_WAIT_MS = 1e9;

/** The machine's clocks, as they run from now on. */
export function machineTime(): GuestTime {
  const startNs = process.hrtime.bigint();
  const realtimeOffsetNs = BigInt(Date.now()) * 1_000_000n - startNs;
  const startCpu = process.cpuUsage();
  return {
    realtimeNs: () => process.hrtime.bigint() + realtimeOffsetNs,
    monotonicNs: () => process.hrtime.bigint() - startNs,
    cpuNs: () => {
      const used = process.cpuUsage(startCpu);
      return BigInt(used.user + used.system) * 1000n;
    },
    sleepNs: (durationNs) => sleepMs(Number(durationNs) / 1e6),
  };
}

/** Atomics.wait on a cell that nobody wakes: the one blocking sleep that JavaScript has. */
export function sleepMs(durationMs: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + durationMs;
  for (let left = durationMs; left > 0; left = end - performance.now()) {
    Atomics.wait(cell, 0, 0, Math.min(left, LONGEST_WAIT_MS));
  }
}
