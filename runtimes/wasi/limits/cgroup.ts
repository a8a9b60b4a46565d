/** What of a workload the kernel limits and counts for us. */
export type Controller = 'cpu' | 'memory' | 'pids' | 'freezer' | 'cpuacct';

/** What one control group is limited to; what is absent is not limited. */
export interface CgroupLimits {
  readonly memoryBytes?: number;
  /** Cores' worth of CPU time; absent: no quota. */
  readonly cpuThreads?: number;
  readonly pids: number;
}

/** The control group of one deployment. All calls tolerate a group that is gone. */
export interface Cgroup {
  /** Limits that are in force after this; a controller that refuses is left out. */
  limit(limits: CgroupLimits): Set<Controller>;
  add(pid: number): void;
  processes(): number[];
  /** Undefined where the kernel does not count it. */
  cpuNs(): bigint | undefined;
  /** Processes that the kernel killed for want of memory. */
  oomKills(): number;
  peakMemoryBytes(): number | undefined;
  /** False where there is no freezer. */
  freeze(frozen: boolean): boolean;
  /** Freezing takes a moment. */
  isFrozen(): boolean;
  /** Only when no process is left in it; false until then. */
  remove(): boolean;
}

/** The part of the machine's control groups that we may make groups in. */
export interface CgroupTree {
  readonly version: 1 | 2;
  readonly controllers: ReadonlySet<Controller>;
  /** Makes or finds the group. */
  open(name: string): Cgroup;
  /** Removes groups of this name's beginning that are empty and were made before that time (ms since the epoch). */
  sweep(prefix: string, madeBefore: number): void;
}

/** CPU quotas are given for this period. */
export const CPU_PERIOD_US = 100_000;
