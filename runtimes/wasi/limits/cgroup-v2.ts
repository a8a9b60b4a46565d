import fs from 'node:fs';
import path from 'node:path';
import { CPU_PERIOD_US, type Cgroup, type CgroupLimits, type CgroupTree, type Controller } from './cgroup.ts';
import {
  readKey,
  readNumber,
  readPids,
  removeGroup,
  sweepGroups,
  writeControl,
} from '../../shared/control-file.ts';

/** Version 2: one hierarchy, one group for all controllers. */
export function cgroupV2(base: string, controllers: ReadonlySet<Controller>): CgroupTree {
  return {
    version: 2,
    controllers,
    open: (name) => {
      const directory = path.join(base, name);
      fs.mkdirSync(directory, { recursive: true });
      return new CgroupV2(directory);
    },
    sweep: (prefix, madeBefore) => sweepGroups(base, prefix, madeBefore),
  };
}

class CgroupV2 implements Cgroup {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  #file(name: string): string {
    return path.join(this.#directory, name);
  }

  limit({ memoryBytes, cpuThreads, pids }: CgroupLimits): Set<Controller> {
    const held = new Set<Controller>();
    if (memoryBytes !== undefined && writeControl(this.#file('memory.max'), memoryBytes)) {
      held.add('memory');
      writeControl(this.#file('memory.swap.max'), 0);
    }
    const quota = `${(cpuThreads ?? 0) * CPU_PERIOD_US} ${CPU_PERIOD_US}`;
    if (cpuThreads !== undefined && writeControl(this.#file('cpu.max'), quota)) held.add('cpu');
    if (writeControl(this.#file('pids.max'), pids)) held.add('pids');
    return held;
  }

  add(pid: number): void {
    writeControl(this.#file('cgroup.procs'), pid);
  }

  processes(): number[] {
    return readPids(this.#file('cgroup.procs'));
  }

  cpuNs(): bigint | undefined {
    const usage = readKey(this.#file('cpu.stat'), 'usage_usec');
    return usage === undefined ? undefined : BigInt(usage) * 1000n;
  }

  oomKills(): number {
    return readKey(this.#file('memory.events'), 'oom_kill') ?? 0;
  }

  peakMemoryBytes(): number | undefined {
    return readNumber(this.#file('memory.peak'));
  }

  freeze(frozen: boolean): boolean {
    return writeControl(this.#file('cgroup.freeze'), frozen ? 1 : 0);
  }

  isFrozen(): boolean {
    return readKey(this.#file('cgroup.events'), 'frozen') === 1;
  }

  remove(): boolean {
    return removeGroup(this.#directory);
  }
}
