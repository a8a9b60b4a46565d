import type { Resources } from '../../../src/interface/market.ts';
import type { CgroupLimits } from './cgroup.ts';

/** No program needs more threads than the runner has; what breaks out of it gets no more. */
const MAX_PIDS = 64;
/** Above the guest's memory, for the runner itself: what it takes after it has joined the group. */
const RUNNER_OVERHEAD_BYTES = 60 << 20;
/** Bytes of a module, its copies and its compiled code, for each byte of it. */
const CODE_FACTOR = 12;

/** Limits of the group around a runner with a module of this size: a wall behind the ones inside. */
export function groupLimits(resources: Partial<Resources>, moduleBytes: number): CgroupLimits {
  const { memoryBytes, cpuThreads } = resources;
  return {
    ...(memoryBytes === undefined
      ? {}
      : { memoryBytes: memoryBytes + RUNNER_OVERHEAD_BYTES + CODE_FACTOR * moduleBytes }),
    ...(cpuThreads === undefined ? {} : { cpuThreads }),
    pids: MAX_PIDS,
  };
}
