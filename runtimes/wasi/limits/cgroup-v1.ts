import fs from 'node:fs';
import path from 'node:path';
import { CPU_PERIOD_US, type Cgroup, type CgroupLimits, type CgroupTree, type Controller } from './cgroup.ts';
import {
  readControl,
  readKey,
  readNumber,
  readPids,
  removeGroup,
  sweepGroups,
  writeControl,
} from '../../shared/control-file.ts';

/** Version 1: a hierarchy for each controller (or for two together), each with a group of ours. */
export function cgroupV1(bases: ReadonlyMap<Controller, string>): CgroupTree {
  return {
    version: 1,
    controllers: new Set(bases.keys()),
    open: (name) => {
      const directories = new Map(
        [...bases].map(([controller, base]) => [controller, path.join(base, name)]),
      );
      for (const directory of new Set(directories.values())) fs.mkdirSync(directory, { recursive: true });
      return new CgroupV1(directories);
    },
    sweep: (prefix, madeBefore) => {
      for (const base of new Set(bases.values())) sweepGroups(base, prefix, madeBefore);
    },
  };
}

class CgroupV1 implements Cgroup {
  readonly #directories: ReadonlyMap<Controller, string>;

  constructor(directories: ReadonlyMap<Controller, string>) {
    this.#directories = directories;
  }

  #file(controller: Controller, name: string): string {
    return path.join(this.#directories.get(controller) ?? '/nonexistent', name);
  }

  limit({ memoryBytes, cpuThreads, pids }: CgroupLimits): Set<Controller> {
    const held = new Set<Controller>();
    if (
      memoryBytes !== undefined &&
      writeControl(this.#file('memory', 'memory.limit_in_bytes'), memoryBytes)
    ) {
      held.add('memory');
      // Memory and swap together; the file is not there without swap accounting.
      writeControl(this.#file('memory', 'memory.memsw.limit_in_bytes'), memoryBytes);
    }
    if (cpuThreads !== undefined) {
      writeControl(this.#file('cpu', 'cpu.cfs_period_us'), CPU_PERIOD_US);
      if (writeControl(this.#file('cpu', 'cpu.cfs_quota_us'), cpuThreads * CPU_PERIOD_US)) held.add('cpu');
    }
    if (writeControl(this.#file('pids', 'pids.max'), pids)) held.add('pids');
    return held;
  }

  add(pid: number): void {
    for (const directory of new Set(this.#directories.values()))
      writeControl(path.join(directory, 'cgroup.procs'), pid);
  }

  processes(): number[] {
    const all = [...new Set(this.#directories.values())].flatMap((d) =>
      readPids(path.join(d, 'cgroup.procs')),
    );
    return [...new Set(all)];
  }

  cpuNs(): bigint | undefined {
    const usage = readControl(this.#file('cpuacct', 'cpuacct.usage'));
    return usage === undefined ? undefined : BigInt(usage);
  }

  oomKills(): number {
    return readKey(this.#file('memory', 'memory.oom_control'), 'oom_kill') ?? 0;
  }

  peakMemoryBytes(): number | undefined {
    return readNumber(this.#file('memory', 'memory.max_usage_in_bytes'));
  }

  freeze(frozen: boolean): boolean {
    return writeControl(this.#file('freezer', 'freezer.state'), frozen ? 'FROZEN' : 'THAWED');
  }

  isFrozen(): boolean {
    return readControl(this.#file('freezer', 'freezer.state')) === 'FROZEN';
  }

  remove(): boolean {
    return [...new Set(this.#directories.values())].map(removeGroup).every(Boolean);
  }
}
