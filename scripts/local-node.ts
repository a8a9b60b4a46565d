import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The compiled CLI: this file is run from `scripts/` by tests and from `dist/scripts/` by the demo. */
export const CLI = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../dist/src/cli/main.js' : '../src/cli/main.js',
    import.meta.url,
  ),
);

export type NodeConfig = Readonly<Record<string, unknown>>;

export interface NodeInfo {
  readonly peerId: string;
  readonly address: string;
  readonly multiaddrs: readonly string[];
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

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(base: NodeConfig, over: NodeConfig): NodeConfig {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return merged;
}

/** A daemon as a real process on this machine, reached as any client reaches it: through REST. */
export class LocalNode {
  readonly dataDir: string;
  readonly #configPath: string;
  #process: ChildProcess | undefined;
  #url = '';
  #appKey = '';

  constructor(dataDir: string) {
    this.dataDir = dataDir;
    this.#configPath = join(dataDir, 'config.json');
  }

  static async start(dataDir: string, config: NodeConfig = {}): Promise<LocalNode> {
    const node = new LocalNode(dataDir);
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
    return this.#process?.pid ?? 0;
  }

  get isUp(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  get url(): string {
    return this.#url;
  }

  get appKey(): string {
    return this.#appKey;
  }

  /** Everything the daemon wrote to its log file. */
  log(): string {
    const path = this.#logPath();
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Starts the process over whatever its directory holds, and waits until it answers. */
  async launch(): Promise<void> {
    const log = openSync(this.#logPath(), 'a');
    const before = await this.#apiFile();
    const child = spawn(process.execPath, [CLI, 'daemon', '--config', this.#configPath], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#process = child;
    for (let tries = 0; tries < 600; tries += 1) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the daemon ended at its start:\n${this.log().slice(-4000)}`);
      const file = await this.#apiFile();
      if (
        file !== undefined &&
        file.pid !== before?.pid &&
        file.pid === child.pid &&
        (await this.#answers(file.url))
      )
        return;
      await sleep(100);
    }
    throw new Error(`the daemon did not come up in 60 s:\n${this.log().slice(-4000)}`);
  }

  /** Changes the configuration file; the daemon goes by it when it is told to, or launched anew. */
  async reconfigure(over: NodeConfig): Promise<void> {
    const before: unknown = JSON.parse(await readFile(this.#configPath, 'utf8'));
    await this.#configure(merge(isObject(before) ? before : {}, over));
  }

  /** `kill -9`, awaited. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** A polite end, awaited. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** A REST call; throws with the problem document when it is not 2xx. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.raw(method, path, body === undefined ? undefined : JSON.stringify(body), {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  raw(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#appKey}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Uploads bytes as a task package or an input file. */
  async upload(kind: 'packages' | 'blobs', bytes: Uint8Array): Promise<{ hash: string; sizeBytes: number }> {
    const response = await this.raw('POST', `/v1/${kind}`, bytes as Uint8Array<ArrayBuffer>, {
      'content-type': 'application/octet-stream',
    });
    if (!response.ok) throw new Error(`upload: ${response.status} ${await response.text()}`);
    return (await response.json()) as { hash: string; sizeBytes: number };
  }

  info(): Promise<NodeInfo> {
    return this.call<NodeInfo>('GET', '/v1/node');
  }

  /** Asks `question` until it answers something, at most `timeoutMs`. */
  async until<T>(what: string, question: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const answer = await question();
      if (answer !== undefined) return answer;
      if (Date.now() > end)
        throw new Error(`${what}: not within ${timeoutMs} ms\n${this.log().slice(-3000)}`);
      await sleep(50);
    }
  }

  #logPath(): string {
    return join(this.dataDir, 'daemon.out');
  }

  async #apiFile(): Promise<{ url: string; pid: number } | undefined> {
    try {
      return JSON.parse(await readFile(join(this.dataDir, 'api.json'), 'utf8')) as {
        url: string;
        pid: number;
      };
    } catch {
      return undefined;
    }
  }

  async #answers(url: string): Promise<boolean> {
    try {
      const { ok } = await fetch(`${url}/v1/health`);
      if (!ok) return false;
      this.#url = url;
      this.#appKey = (await readFile(join(this.dataDir, 'app-key'), 'utf8')).trim();
      return true;
    } catch {
      return false;
    }
  }
}
