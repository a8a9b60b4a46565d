import { readdirSync, readFileSync, readlinkSync, type Dirent } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { measureDisk } from '../../runtimes/wasi/limits/disk-usage.ts';
import { processTree, startTime } from '../../runtimes/wasi/limits/proc.ts';

/** A process beyond doubt: numbers are used again. */
type ProcessKey = `${number}@${string}`;

const LOOK_MS = 25;
const DISK_LOOK_MS = 100;

/** Looks again and again at a supervisor, for how much memory it takes, what it starts and what its volume holds. */
export class Watched {
  readonly pid: number;
  peakBytes = 0;
  /** Lengths of the files in the volume. */
  peakDiskBytes = 0;
  readonly #seen = new Set<ProcessKey>();
  readonly #timer: NodeJS.Timeout;
  readonly #stopped = new AbortController();
  readonly #disk: Promise<void>;

  constructor(pid: number, volume: string) {
    this.pid = pid;
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#disk = this.#watchDisk(volume);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#disk;
  }

  /** Of all that was ever seen below the supervisor, and itself, what lives. */
  survivors(): ProcessKey[] {
    return [...this.#seen].filter((key) => isAlive(key));
  }

  async #watchDisk(volume: string): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      this.peakDiskBytes = Math.max(this.peakDiskBytes, (await measureDisk(volume)).bytes);
      await setTimeout(DISK_LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #look(): void {
    // Reset by the kernel with the process; a look after its end finds nothing.
    this.peakBytes = Math.max(this.peakBytes, peakOf(this.pid));
    for (const pid of processTree(this.pid)) {
      const started = startTime(pid);
      if (started !== undefined) this.#seen.add(`${pid}@${started}`);
    }
  }
}

function isAlive(key: ProcessKey): boolean {
  const [pid = '', started] = key.split('@');
  return startTime(Number(pid)) === started && stateOf(Number(pid)) !== 'Z';
}

/** The largest that its resident memory has been. */
export function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

function stateOf(pid: number): string | undefined {
  return /^State:\s+(\S)/m.exec(textOf(`/proc/${pid}/status`))?.[1];
}

/** 0 when it has none, or is gone. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Processes that work in, have open, or have as their root anything below the directory, or belong to such a group. */
export function processesOf(marks: readonly string[]): number[] {
  const isOurs = (text: string): boolean => marks.some((mark) => text.includes(mark));
  return processIds().filter((pid) => {
    if (pid === process.pid) return false;
    const links = ['cwd', 'root', ...names(`/proc/${pid}/fd`).map((fd) => `fd/${fd}`)];
    return (
      isOurs(textOf(`/proc/${pid}/cgroup`)) ||
      isOurs(textOf(`/proc/${pid}/cmdline`)) ||
      links.some((link) => isOurs(linkOf(`/proc/${pid}/${link}`)))
    );
  });
}

/** Control groups, of any controller, whose name has one of these in it. */
export function groupsOf(marks: readonly string[], root = '/sys/fs/cgroup', depth = 4): string[] {
  if (depth === 0) return [];
  return readdirOf(root).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const path = `${root}/${entry.name}`;
    return marks.some((mark) => entry.name.includes(mark)) ? [path] : groupsOf(marks, path, depth - 1);
  });
}

export function linesOf(file: string, marks: readonly string[]): string[] {
  return textOf(file)
    .split('\n')
    .filter((line) => marks.some((mark) => line.includes(mark)));
}

/** Loop devices whose file is one of these. */
export function loopDevicesOf(marks: readonly string[]): string[] {
  return names('/sys/block').filter((device) =>
    marks.some((mark) => textOf(`/sys/block/${device}/loop/backing_file`).includes(mark)),
  );
}

export function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

export function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

function readdirOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

function names(directory: string): string[] {
  return readdirOf(directory).map(({ name }) => name);
}

export function processIds(): number[] {
  return names('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
