import { createServer } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import type { Config } from '../../config/index.ts';
import { checker } from '../../util/check.ts';
import { errorCode } from '../../util/error-code.ts';
import { errorMessage } from '../../util/error-message.ts';
import { fail, ok, type Check } from './check.ts';

const ANSWER_TIMEOUT_MS = 2_000;
const TCP = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)/;
const checkApiFile = checker(Type.Object({ url: Type.String({ maxLength: 1024 }) }), 'api.json');

/** Whether a daemon answers on this data directory: then the ports are its own. */
export async function daemonCheck({ dataDir }: Config): Promise<{ check: Check; isRunning: boolean }> {
  const name = 'daemon';
  const text = await readFile(join(dataDir, 'api.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return { check: ok(name, 'none runs on this data directory'), isRunning: false };
  try {
    const { url } = checkApiFile(JSON.parse(text));
    const answer = await fetch(`${url}/v1/health`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    if (answer.ok) return { check: ok(name, `runs at ${url}`), isRunning: true };
    const remedy = 'Read its log; `/v1/health` names the check that fails.';
    return {
      check: fail(name, `the one at ${url} is not well (HTTP ${answer.status})`, remedy),
      isRunning: true,
    };
  } catch {
    return { check: ok(name, 'none answers; the last one ended without a word'), isRunning: false };
  }
}

/** Each port that the daemon is to listen on. */
export async function portChecks({ api, network }: Config, isRunning: boolean): Promise<Check[]> {
  const wanted = [
    { name: 'port of the API', host: api.host, port: api.port },
    ...network.listen.flatMap((address) => {
      const [, , host = '', port = '0'] = TCP.exec(address) ?? [];
      return host === '' ? [] : [{ name: 'port for peers', host, port: Number(port) }];
    }),
  ];
  return Promise.all(wanted.map((one) => portCheck(one, isRunning)));
}

interface Wanted {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

async function portCheck({ name, host, port }: Wanted, isRunning: boolean): Promise<Check> {
  const where = `${host} port ${port}`;
  if (port === 0) return ok(name, `${host}, any free port`);
  try {
    await bind(host, port);
    return ok(name, `${where} is free`);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EADDRINUSE' && isRunning)
      return ok(name, `${where} is taken, by the daemon itself as it seems`);
    return fail(name, `${where} cannot be listened on: ${errorMessage(error)}`, remedyOf(code));
  }
}

function remedyOf(code: string | undefined): string {
  if (code === 'EADDRINUSE') return 'End what listens there, or set another port in the configuration.';
  if (code === 'EACCES') return 'Take a port above 1023, or give the daemon CAP_NET_BIND_SERVICE.';
  return 'Set an address of this machine in the configuration.';
}

function bind(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}
