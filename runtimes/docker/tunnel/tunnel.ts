import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { Logger } from '../../../src/interface/logger.ts';
import { RuntimeError } from '../../errors.ts';
import { BINARIES } from './binaries.ts';

const run = promisify(execFile);

const PROGRAM = 'tunnel';
/** Nobody: the tunnel needs no rights once it is made, and no guest should be the same user. */
const USER = '65534';
const OK = 'ok\n';
const PROBE_MS = 10_000;

/** What a network device is made of; addresses are IPv4, as numbers. */
export interface TunnelInit {
  /** Made anew; its socket is `sock` in there. */
  readonly directory: string;
  /** A process in the network namespace that the device is made in. */
  readonly pid: number;
  readonly device: string;
  readonly address: number;
  readonly mask: number;
}

/** A network device in a container, and the program that serves it. */
export interface Tunnel {
  /** Resolves when the program is gone, and the device with it. */
  close(): Promise<void>;
}

/** @throws RuntimeError ERR_RUNTIME_NETWORK */
export async function openTunnel(init: TunnelInit, { logger }: { logger: Logger }): Promise<Tunnel> {
  const { directory, pid, device, address, mask } = init;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const program = await writeProgram(directory);
  const child = spawn(program, [String(pid), device, String(address), String(mask), USER, USER], {
    cwd: directory,
    env: {},
    // The end of its stdin is its end, so it dies with this process in any case.
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  exited.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  let isClosing = false;
  const close = async (): Promise<void> => {
    isClosing = true;
    child.kill('SIGKILL');
    await exited.catch(() => undefined);
  };
  const said = await firstWords(child);
  if (said !== OK) {
    await close();
    throw new RuntimeError('ERR_RUNTIME_NETWORK', `No network can be brought into the container: ${said}`, {
      said,
    });
  }
  child.once('exit', (code, signal) => {
    if (!isClosing) logger.error({ device, code, signal }, 'the network of an activity is gone');
  });
  return { close };
}

/** Why no device can be made in a namespace of this machine; undefined when one can. */
export async function whyNoTunnel(): Promise<string | undefined> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ergon-tunnel-'));
  try {
    const { stdout } = await run(await writeProgram(directory), ['probe'], { timeout: PROBE_MS });
    return stdout === OK ? undefined : stdout.trim();
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout).trim() : '';
    return said === '' ? String(error) : `no network device can be made (${said}): is there /dev/net/tun?`;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeProgram(directory: string): Promise<string> {
  const binary = BINARIES[process.arch];
  if (binary === undefined)
    throw new RuntimeError('ERR_RUNTIME_NETWORK', `There is no tunnel for ${process.arch}`);
  const file = path.join(directory, PROGRAM);
  await writeFile(file, gunzipSync(Buffer.from(binary.join(''), 'base64')), { mode: 0o700 });
  return file;
}

/** A line, or why there is none. */
async function firstWords(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (text.includes('\n')) resolve(text === OK ? text : text.trim());
  });
  child.once('error', (error) => resolve(error.message));
  child.once('exit', (code, signal) => resolve(text || `it ended with ${signal ?? String(code)}`));
  return promise;
}
