import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { errorMessage } from '../../../src/util/error-message.ts';
import { localAddresses } from '../../../src/util/local-addresses.ts';
import { RuntimeError } from '../../errors.ts';
import { DEFAULT_PATH } from '../container-spec.ts';
import { whyOutOfReach } from './namespace.ts';
import { rulesV4, rulesV6 } from './rules.ts';

const COMMAND_MS = 10_000;
/** Others on this machine may hold the lock of the tables for a moment. */
const RESTORE = ['--wait', '5'];
const EVERYWHERE = '0.0.0.0/0';

/** With this network allowed the provider leaves it to the engine's network what can be reached. */
export function isFenced(allow: readonly string[]): boolean {
  return !allow.includes(EVERYWHERE);
}

/**
 * Keeps what is not the public internet out of a container's reach: this machine, its neighbours, a cloud's metadata.
 * By rules in the container's own network namespace, which its programs have no right to change: routes would not do,
 * since a socket that is bound to a device passes them by.
 * @throws RuntimeError ERR_RUNTIME_NETWORK
 */
export async function fence(pid: number, allow: readonly string[]): Promise<void> {
  try {
    await restore(['nsenter', `--net=/proc/${pid}/ns/net`], allow, existsSync(`/proc/${pid}/net/if_inet6`));
  } catch (error) {
    throw new RuntimeError('ERR_RUNTIME_NETWORK', `The network cannot be fenced: ${reasonOf(error)}`);
  }
}

/** Why no container can be fenced; undefined when one can. It tries, in a namespace that it throws away. */
export async function whyNoFence(
  runtime: string,
  {
    hostPaths,
    networkAllow,
  }: { hostPaths: Readonly<Record<string, string>>; networkAllow: readonly string[] },
): Promise<string | undefined> {
  const why = whyOutOfReach(runtime, hostPaths);
  if (why !== undefined) return why;
  try {
    await restore(['unshare', '--net'], networkAllow, existsSync('/proc/net/if_inet6'));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

async function restore(within: readonly string[], allow: readonly string[], hasV6: boolean): Promise<void> {
  const init = { allow, own: localAddresses() };
  await feed([...within, 'iptables-restore', ...RESTORE], rulesV4(init));
  if (hasV6) await feed([...within, 'ip6tables-restore', ...RESTORE], rulesV6(init));
}

function feed([program = '', ...args]: readonly string[], stdin: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: DEFAULT_PATH }, timeout: COMMAND_MS };
    const child = execFile(program, args, options, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(stderr.trim() === '' ? error : new Error(stderr.trim()));
    });
    // It may have ended before it has read anything, and then says why itself.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
  });
}

function reasonOf(error: unknown): string {
  return errorMessage(error).slice(0, 500);
}
