import { readdir, readFile } from 'node:fs/promises';
import type { Clock } from '../../src/interface/clock.ts';
import { delay } from '../../src/util/delay.ts';

/** Every process of a deployment carries this variable; what it starts inherits it. */
export const MARKER_VARIABLE = 'ERGON_MOCK_DEPLOYMENT';

/** USER_HZ: the same on every architecture that Node runs on. */
const NS_PER_TICK = 10_000_000n;
const PAGE_BYTES = 4096;
const KILL_ROUNDS = 200;

/** The live processes of a deployment, found by what only they carry: also after a crash of whoever started them. */
export async function processesOf(marker: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  const marked = await Promise.all(pids.map((pid) => carries(pid, marker)));
  return pids.filter((_, index) => marked[index]);
}

async function carries(pid: number, marker: string): Promise<boolean> {
  const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return `\0${environ}`.includes(`\0${MARKER_VARIABLE}=${marker}\0`);
}

/**
 * Signals the process group `group` (the command's main process leads it) and every other process of the deployment.
 * While a process executes a new program its environment cannot be read, so the group is signalled by its number.
 */
export async function signalTree(marker: string, signal: NodeJS.Signals, group?: number): Promise<number> {
  const pids = await processesOf(marker);
  for (const pid of group === undefined ? pids : [-group, ...pids]) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended meanwhile.
    }
  }
  return pids.length;
}

/** Kills until nothing is left, also what was forked while it looked. */
export async function killTree(marker: string, clock: Clock, group?: number): Promise<boolean> {
  for (let round = 0; round < KILL_ROUNDS; round += 1) {
    if ((await signalTree(marker, 'SIGKILL', group)) === 0) return true;
    await delay(clock, 5);
  }
  return false;
}

/** What processes use together. */
export interface TreeUsage {
  readonly cpuNs: bigint;
  readonly memoryBytes: number;
}

/** What the live processes of a deployment have used and hold; those that have ended are not in it. */
export async function usageOf(marker: string): Promise<TreeUsage> {
  const usages = await Promise.all((await processesOf(marker)).map(usageOfProcess));
  return {
    cpuNs: usages.reduce((sum, usage) => sum + usage.cpuNs, 0n),
    memoryBytes: usages.reduce((sum, usage) => sum + usage.memoryBytes, 0),
  };
}

async function usageOfProcess(pid: number): Promise<TreeUsage> {
  const fields = await statFields(`/proc/${pid}/stat`);
  const ticks = [13, 14, 15, 16].reduce((sum, index) => sum + BigInt(fields[index] ?? 0), 0n);
  return { cpuNs: ticks * NS_PER_TICK, memoryBytes: Number(fields[23] ?? 0) * PAGE_BYTES };
}

/** CPU time of this process's children that have ended. */
export async function reapedCpuNs(): Promise<bigint> {
  const fields = await statFields('/proc/self/stat');
  return (BigInt(fields[15] ?? 0) + BigInt(fields[16] ?? 0)) * NS_PER_TICK;
}

/** Fields of proc(5) stat by their number less one; the name in parentheses may itself hold spaces. */
async function statFields(path: string): Promise<string[]> {
  const text = await readFile(path, 'latin1').catch(() => '');
  const after = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text === '' ? [] : ['', '', ...after];
}
