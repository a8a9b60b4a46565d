import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../src/util/is-record.ts';
import { NodeClient } from './node-client.ts';

export { NodeClient, type NodeInfo } from './node-client.ts';

/** The compiled CLI: this file is run from `scripts/` by tests and from `dist/scripts/` by the demo. */
export const CLI = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../dist/src/cli/main.js' : '../src/cli/main.js',
    import.meta.url,
  ),
);

const ENTER_POLL_MS = 5;

export type NodeConfig = Readonly<Record<string, unknown>>;

/** Where the processes of a node run. */
export interface Place {
  /** The command line that runs this one there. */
  command(line: readonly string[]): readonly string[];
  /** Of the program itself, by the process that such a command line has started. */
  pidOf(child: number): number;
}
export const HERE: Place = { command: (line) => line, pidOf: (child) => child };

const isOver = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** Ends the program that this process has started in the place, and awaits it. */
export async function endIn(place: Place, child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (isOver(child)) return;
  const exited = once(child, 'exit');
  while (!isOver(child)) {
    try {
      process.kill(place.pidOf(child.pid ?? 0), signal);
      break;
    } catch {
      // It ends by itself just now, or is not in the place yet. Killed on the way there, it could leave the program behind.
      await sleep(ENTER_POLL_MS);
    }
  }
  await exited;
}

/**
 * Loopback, free ports, no multicast: several nodes on one machine do not disturb each other. The same on every
 * machine, whether it has a container engine or not: who wants to sell Docker says so.
 */
const LOCAL: NodeConfig = {
  provider: { runtimes: ['wasi'] },
  network: { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false },
  api: { host: '127.0.0.1', port: 0 },
  log: { level: 'info' },
};

function merge(base: NodeConfig, over: NodeConfig): NodeConfig {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isRecord(before) && isRecord(value) ? merge(before, value) : value;
  }
  return merged;
}

/** A daemon as a real process on this machine, reached as any client reaches it: through REST. */
export class LocalNode extends NodeClient {
  readonly dataDir: string;
  readonly #configPath: string;
  readonly #place: Place;
  #process: ChildProcess | undefined;

  constructor(dataDir: string, place: Place = HERE) {
    super();
    this.dataDir = dataDir;
    this.#place = place;
    this.#configPath = join(dataDir, 'config.json');
  }

  static async start(dataDir: string, config: NodeConfig = {}, place: Place = HERE): Promise<LocalNode> {
    const node = new LocalNode(dataDir, place);
    await mkdir(dataDir, { recursive: true });
    const settings = merge({ ...LOCAL, dataDir }, config);
    await node.#configure(settings);
    await node.launch();
    // From now on at the address it found, so that its peers find it again when it is launched anew.
    const { multiaddrs } = await node.info();
    const listen = multiaddrs.map((address) => address.replace(/\/p2p\/.*$/, ''));
    await node.#configure(merge(settings, { network: { listen } }));
    return node;
  }

  #configure(settings: NodeConfig): Promise<void> {
    return writeFile(this.#configPath, JSON.stringify(settings, undefined, 2));
  }

  get pid(): number {
    const { pid } = this.#process ?? {};
    return pid === undefined ? 0 : this.#place.pidOf(pid);
  }

  get isUp(): boolean {
    const child = this.#process;
    return child !== undefined && !isOver(child);
  }

  /** Everything the daemon wrote to its log file. */
  override log(): string {
    const path = this.#logPath();
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Starts the process over whatever its directory holds, and waits until it answers. */
  async launch(): Promise<void> {
    const log = openSync(this.#logPath(), 'a');
    // One that was killed has left it.
    await rm(this.#apiPath(), { force: true });
    const line = [process.execPath, CLI, 'daemon', '--config', this.#configPath];
    const [program = '', ...args] = this.#place.command(line);
    const child = spawn(program, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#process = child;
    for (let tries = 0; tries < 600; tries += 1) {
      if (isOver(child)) throw new Error(`the daemon ended at its start:\n${this.log().slice(-4000)}`);
      const url = await this.#apiUrl();
      if (url !== undefined && (await this.#answers(url))) return;
      await sleep(100);
    }
    throw new Error(`the daemon did not come up in 60 s:\n${this.log().slice(-4000)}`);
  }

  /** Changes the configuration file; the daemon goes by it when it is told to, or launched anew. */
  async reconfigure(over: NodeConfig): Promise<void> {
    const before: unknown = JSON.parse(await readFile(this.#configPath, 'utf8'));
    await this.#configure(merge(isRecord(before) ? before : {}, over));
  }

  /** `kill -9`, awaited. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Awaits the end that others have made to it. */
  async gone(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined && !isOver(child)) await once(child, 'exit');
  }

  /** A polite end, awaited. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined) await endIn(this.#place, child, signal);
  }

  #logPath(): string {
    return join(this.dataDir, 'daemon.out');
  }

  #apiPath(): string {
    return join(this.dataDir, 'api.json');
  }

  async #apiUrl(): Promise<string | undefined> {
    try {
      return (JSON.parse(await readFile(this.#apiPath(), 'utf8')) as { url: string }).url;
    } catch {
      return undefined;
    }
  }

  async #answers(url: string): Promise<boolean> {
    try {
      const { ok } = await fetch(`${url}/v1/health`);
      if (!ok) return false;
      this.reachAt(url, (await readFile(join(this.dataDir, 'app-key'), 'utf8')).trim());
      return true;
    } catch {
      return false;
    }
  }
}
