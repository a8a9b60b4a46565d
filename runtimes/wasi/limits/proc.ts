import fs from 'node:fs';

/*
 * What /proc says of a process. It may be gone at any moment: then there is nothing to say, which is no error.
 */

/** The process and all below it, parents first. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (let i = 0; i < tree.length; i++) tree.push(...childrenOf(tree[i] ?? pid));
  return tree;
}

function childrenOf(pid: number): number[] {
  const threads = list(`/proc/${pid}/task`);
  const texts = threads.map((thread) => read(`/proc/${pid}/task/${thread}/children`));
  // The kernel may be built without the file; its absence for a live process says so.
  if (threads.length > 0 && texts.every((text) => text === undefined)) return childrenByScan(pid);
  return texts.flatMap((text) => (text ?? '').split(' ').filter((child) => child !== '')).map(Number);
}

function childrenByScan(pid: number): number[] {
  const processes = list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return processes.filter((process) => statFields(process)?.[PARENT_FIELD] === String(pid));
}

const PARENT_FIELD = 1;
const START_TIME_FIELD = 19;

/** Fields of /proc/PID/stat after the name, which may itself have spaces: the first is the state. */
function statFields(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text
    ?.slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
}

/** When it started, in clock ticks since boot: with the number it names a process beyond doubt. */
export function startTime(pid: number): string | undefined {
  return statFields(pid)?.[START_TIME_FIELD];
}

/** CPU time of all its threads that live, from the scheduler's own account. */
export function cpuNsOf(pid: number): bigint | undefined {
  const threads = list(`/proc/${pid}/task`);
  if (threads.length === 0) return undefined;
  return threads.reduce((sum, thread) => {
    const ran = /^\d+/.exec(read(`/proc/${pid}/task/${thread}/schedstat`) ?? '')?.[0];
    return sum + BigInt(ran ?? 0);
  }, 0n);
}

/** Resident memory now, and at most so far. */
export function memoryOf(pid: number): { bytes: number; peakBytes: number } | undefined {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const kilobytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { bytes: kilobytes('VmRSS') * 1024, peakBytes: kilobytes('VmHWM') * 1024 };
}

/** Lets the peak start anew; where that is forbidden, the old one stays. */
export function resetMemoryPeak(pid: number): void {
  try {
    fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // A peak from before the run only makes the figure larger than it need be.
  }
}

function read(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function list(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}
