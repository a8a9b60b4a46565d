import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import type { GolemNetwork as Network, Logger } from '@golem-sdk/golem-js';
import { LocalNode, type NodeConfig, type Place } from '../../../scripts/local-node.ts';
import { GUESTS, WASI } from './guests.ts';

// As CommonJS: in its ES module build `downloadData` fails by itself, its import of js-sha3 finds no function.
export const { GolemNetwork } = createRequire(import.meta.url)('@golem-sdk/golem-js') as {
  GolemNetwork: typeof Network;
};

const GIB = 2 ** 30;
/** What stock programs ask for at the least, some times over. */
const HARDWARE = { cpuThreads: 4, memoryBytes: 4 * GIB, storageBytes: 16 * GIB };

/** Where golem-js would print. */
export class QuietLogger implements Logger {
  readonly lines: string[];

  constructor(lines: string[] = []) {
    this.lines = lines;
  }
  child(): Logger {
    return new QuietLogger(this.lines);
  }
  debug(): void {}
  info(): void {}
  warn(message: string, context?: unknown): void {
    this.lines.push(`warn ${message} ${describe(context)}`);
  }
  error(message: string, context?: unknown): void {
    this.lines.push(`error ${message} ${describe(context)}`);
  }
}

function describe(context: unknown): string {
  const error = context instanceof Error ? context : undefined;
  return error === undefined ? JSON.stringify(context ?? '').slice(0, 500) : String(error);
}

/** A requestor's daemon with golem-js in front of it, and providers. */
export class GolemMarket {
  readonly dir: string;
  readonly providers: readonly LocalNode[];
  readonly requestor: LocalNode;
  readonly logger = new QuietLogger();

  constructor(dir: string, providers: readonly LocalNode[], requestor: LocalNode) {
    this.dir = dir;
    this.providers = providers;
    this.requestor = requestor;
  }

  static async start(
    config: {
      providers?: number;
      provider?: NodeConfig;
      requestor?: NodeConfig;
      place?: Place;
    } = {},
  ): Promise<GolemMarket> {
    const dir = await mkdtemp(join(tmpdir(), 'ergon-golem-js-'));
    const providers: LocalNode[] = [];
    for (let number = 1; number <= (config.providers ?? 1); number += 1) {
      const name = `provider-${number}`;
      const given = config.provider ?? {};
      const runtimes = GUESTS.map(({ runtime }) => runtime);
      const provider = { hardware: HARDWARE, runtimes, ...(given.provider as NodeConfig | undefined) };
      providers.push(await LocalNode.start(join(dir, name), { name, ...given, provider }, config.place));
    }
    const infos = await Promise.all(providers.map((provider) => provider.info()));
    const bought = {
      name: 'requestor',
      provider: { enabled: false },
      network: {
        listen: ['/ip4/127.0.0.1/tcp/0'],
        mdns: false,
        bootstrap: infos.flatMap(({ multiaddrs }) => multiaddrs),
      },
      ...config.requestor,
    };
    const requestor = await LocalNode.start(join(dir, 'requestor'), bought, config.place);
    const market = new GolemMarket(dir, providers, requestor);
    await market.publishImages();
    return market;
  }

  /** The tests' programs, as images that programs name by their tags. */
  async publishImages(): Promise<void> {
    for (const { imageTag, image } of GUESTS) {
      const response = await this.requestor.raw(
        'POST',
        `/v1/packages?name=${encodeURIComponent(imageTag)}`,
        await image(),
        { 'content-type': 'application/octet-stream' },
      );
      if (!response.ok) throw new Error(`upload: ${response.status} ${await response.text()}`);
    }
    // Where golem-js, and the `gftp` that it starts, look for a daemon.
    process.env['GOLEM_REGISTRY_URL'] = this.requestor.url;
    process.env['YAGNA_API_URL'] = this.requestor.url;
    process.env['YAGNA_APPKEY'] = this.requestor.appKey;
  }

  /** An unmodified golem-js, connected. */
  async connect(options: ConstructorParameters<typeof Network>[0] = {}): Promise<Network> {
    const glm = new GolemNetwork({
      api: { key: this.requestor.appKey, url: this.requestor.url },
      logger: this.logger,
      ...options,
    });
    await glm.connect();
    return glm;
  }

  async stop(): Promise<void> {
    for (const node of [this.requestor, ...this.providers]) await node.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

export const ORDER = WASI.order;
