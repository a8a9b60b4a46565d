import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { Config } from '../../config/index.ts';
import { errorMessage } from '../../util/error-message.ts';
import { sellableMemoryBytes } from '../hardware.ts';
import { fail, gib, ok, warn, type Check } from './check.ts';

const MIB = 1024 ** 2;
const LITTLE_DISK_BYTES = 1024 * MIB;
const FEW_FILES = 4096;
/** This program is younger than that: a clock that shows an earlier time is wrong. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
/** Where the usual services say that they keep the clock right. */
const TIME_SERVICES = [
  '/run/systemd/timesync/synchronized',
  '/run/chrony/chronyd.pid',
  '/run/chronyd.pid',
  '/run/ntpd.pid',
  '/run/openntpd.pid',
];

/** The data directory can be written to. */
export async function dataDirectoryCheck({ dataDir }: Config): Promise<Check> {
  const name = 'data directory';
  const there = await existing(dataDir);
  try {
    await access(there, constants.W_OK | constants.X_OK);
  } catch {
    return fail(
      name,
      `${there} cannot be written to`,
      'Give it to the user of the daemon, or set `dataDir`.',
    );
  }
  if (there !== dataDir) return ok(name, `${dataDir} does not exist yet; it will be made`);
  const { mode, uid } = await stat(dataDir);
  if (process.getuid?.() !== undefined && uid !== process.getuid()) {
    return warn(
      name,
      `${dataDir} belongs to the user ${uid}`,
      'Run the daemon as the owner of its data directory.',
    );
  }
  if ((mode & 0o077) !== 0) {
    const permissions = (mode & 0o777).toString(8);
    return warn(name, `${dataDir} is open to other users (mode ${permissions})`, `chmod 700 ${dataDir}`);
  }
  return ok(name, dataDir);
}

/** There is room for the daemon, and for what it sells. */
export async function diskCheck({ dataDir, provider }: Config): Promise<Check> {
  const name = 'disk';
  const { bavail, bsize } = await statfs(await existing(dataDir));
  const freeBytes = bavail * bsize;
  if (freeBytes < LITTLE_DISK_BYTES) {
    return fail(
      name,
      `${gib(freeBytes)} are free at ${dataDir}`,
      'Free some space, or move `dataDir` to a larger disk.',
    );
  }
  const wanted = provider.hardware.storageBytes ?? 0;
  if (provider.enabled && wanted > freeBytes) {
    return warn(
      name,
      `${gib(wanted)} are to be sold, and ${gib(freeBytes)} are free`,
      'Lower `provider.hardware.storageBytes`, or free some space.',
    );
  }
  return ok(name, `${gib(freeBytes)} free`);
}

/** There is memory for what is sold. */
export async function memoryCheck({ provider }: Config): Promise<Check> {
  const name = 'memory';
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const availableKib = Number(/^MemAvailable:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  const available = availableKib * 1024;
  const sold = provider.enabled ? soldMemory(provider.hardware.memoryBytes) : 0;
  const found = `${gib(totalmem())}, ${gib(available)} of them available`;
  if (available > 0 && sold > available) {
    return warn(
      name,
      `${found}; ${gib(sold)} are to be sold`,
      'Lower `provider.hardware.memoryBytes`, or end what else needs memory.',
    );
  }
  return ok(name, sold === 0 ? found : `${found}; ${gib(sold)} are sold`);
}

/** No more CPU threads are sold than there are. */
export function cpuCheck({ provider }: Config): Check {
  const threads = availableParallelism();
  const cap = provider.hardware.cpuThreads;
  if (provider.enabled && cap !== undefined && cap > threads) {
    return warn(
      'cpu',
      `${cap} threads are to be sold, and the machine has ${threads}: ${threads} are`,
      'Lower `provider.hardware.cpuThreads`.',
    );
  }
  return ok('cpu', `${threads} threads`);
}

/** The clock is plausible, and something keeps it so; `nowMs` is what it says. */
export async function clockCheck(nowMs: number, services: readonly string[] = TIME_SERVICES): Promise<Check> {
  const name = 'clock';
  const now = new Date(nowMs).toISOString();
  if (nowMs < EARLIEST_MS) {
    return fail(
      name,
      `${now} is in the past`,
      'Set the clock: peers refuse documents that are not valid yet, or no more.',
    );
  }
  const found = await Promise.all(services.map(isThere));
  if (found.includes(true)) return ok(name, `${now}, kept by a time service`);
  return warn(
    name,
    `${now}; no time service was found`,
    'Run one (systemd-timesyncd, chrony), unless the host of this machine or container keeps its clock.',
  );
}

/** A node with many peers may open enough files. */
export async function openFilesCheck(): Promise<Check> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const limit = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  if (limit === undefined || limit === 'unlimited' || Number(limit) >= FEW_FILES) {
    return ok('open files', limit === undefined ? 'no limit is known' : `up to ${limit}`);
  }
  return warn(
    'open files',
    `a process may have ${limit} open`,
    `Raise the limit to ${FEW_FILES} or more (ulimit -n; systemd: LimitNOFILE).`,
  );
}

/** Nobody but its owner can read the keystore. */
export async function identityCheck({ identity }: Config): Promise<Check> {
  const name = 'identity';
  try {
    const { mode } = await stat(identity.keystorePath);
    if ((mode & 0o077) === 0) return ok(name, identity.keystorePath);
    return warn(
      name,
      `${identity.keystorePath} can be read by other users`,
      `chmod 600 ${identity.keystorePath}`,
    );
  } catch (error) {
    if (await isThere(identity.keystorePath)) {
      return fail(name, errorMessage(error), 'Make the keystore readable to the user of the daemon.');
    }
    return ok(name, 'none yet; `ergon init` or the first start makes one');
  }
}

const soldMemory = (cap: number | undefined): number => Math.min(sellableMemoryBytes(), cap ?? Infinity);

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The path, or the nearest directory above it that exists. */
async function existing(path: string): Promise<string> {
  return (await isThere(path)) || path === dirname(path) ? path : existing(dirname(path));
}
