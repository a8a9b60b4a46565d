import { readFile } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import { checker } from '../util/check.ts';
import { errorCode } from '../util/error-code.ts';
import { readIfThere } from '../util/files.ts';

/** A process that cannot be taken for another: pids are used again, and start times are counted from the boot. */
export const ProcessIdentity = Type.Object(
  {
    pid: Type.Integer({ minimum: 1 }),
    /** Clock ticks after the boot, proc(5) stat field 22. */
    startTicks: Type.String({ pattern: '^[0-9]{1,20}$' }),
    bootId: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
  },
  { additionalProperties: false },
);
export type ProcessIdentity = Static<typeof ProcessIdentity>;

const checkIdentity = checker(ProcessIdentity, 'supervisor.json');

/** The identity of this process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const stat = parseStat(await readFile('/proc/self/stat', 'latin1'));
  return { pid: process.pid, startTicks: stat.startTicks, bootId: await bootId() };
}

/** What a file says about a process; undefined when it is missing or not readable as such. */
export async function readIdentity(path: string): Promise<ProcessIdentity | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return checkIdentity(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Whether the very process lives. `unknown` when the kernel does not say. */
export async function processStatus(identity: ProcessIdentity): Promise<'alive' | 'gone' | 'unknown'> {
  try {
    if ((await bootId()) !== identity.bootId) return 'gone';
    const stat = parseStat(await readFile(`/proc/${identity.pid}/stat`, 'latin1'));
    const dead = stat.state === 'Z' || stat.state === 'X' || stat.startTicks !== identity.startTicks;
    return dead ? 'gone' : 'alive';
  } catch (error) {
    const code = errorCode(error);
    return code === 'ENOENT' || code === 'ESRCH' ? 'gone' : 'unknown';
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
}

/** The name, in parentheses, may itself hold spaces and parentheses. */
function parseStat(text: string): { state: string; startTicks: string } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
}
