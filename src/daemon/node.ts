import { join } from 'node:path';
import type { BaseWallet } from 'ethers';
import { api } from '../api/index.ts';
import type { Config } from '../config/index.ts';
import { runtimeRegistry } from '../exe-unit/index.ts';
import {
  appKeys,
  libp2pPrivateKeyRaw,
  signer,
  verifier,
  withFixedAppKey,
  type FixedAppKey,
} from '../identity/index.ts';
import type { Clock, ConfigReload, Logger, Sender, Startable } from '../interface/index.ts';
import { libp2pNetwork, outboxDispatcher } from '../network/index.ts';
import type { Control } from '../provider/index.ts';
import { begunPathOf, levelStore, type LevelStore } from '../store/index.ts';
import type { MetricsRegistry } from '../telemetry/index.ts';
import { blobFetcher, blobServer, blobStore } from '../transfer/index.ts';
import { newId } from '../util/id.ts';
import { apiComponents } from './api-components.ts';
import { eventMetrics } from './event-metrics.ts';
import { forgettable } from './forgettable.ts';
import { sellableHardware } from './hardware.ts';
import { lifecycle, type Part } from './lifecycle.ts';
import { MIGRATIONS } from './migrations.ts';
import { nodeFiles } from './node-files.ts';
import { retention } from './retention.ts';
import { applyConfig, isDenied, sellingControl, type LiveConfig, type SellingContext } from './selling.ts';
import { services, type Infrastructure, type Selling, type Services } from './services.ts';
import { VERSION } from './version.ts';

export interface NodeComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly wallet: BaseWallet;
  readonly pid: number;
  /** Reads the configuration again, from where it came from. */
  readonly readConfig: () => Promise<Config>;
}

/** A whole node, put together and not yet started. */
export interface ErgonNode extends Startable {
  readonly address: string;
  /** Where the REST API listens, once started. */
  url(): string;
  /** Takes over what can be of a changed configuration; one that is not valid changes nothing, and is thrown. */
  reload(): Promise<ConfigReload>;
}

interface NodeInfrastructure extends Infrastructure {
  readonly store: LevelStore;
  readonly network: ReturnType<typeof libp2pNetwork>;
  readonly outbox: ReturnType<typeof outboxDispatcher>;
}

/** The composition root: makes every part, gives each what it needs, and starts them in the order of their needs. */
export async function ergonNode(config: Config, components: NodeComponents): Promise<ErgonNode> {
  const { clock, logger, wallet } = components;
  const store = levelStore(storeInit(config, wallet), { clock, logger });
  const live: LiveConfig = { current: config };
  const network = libp2pNetwork(networkInit(live, wallet), { clock, logger });
  const dispatcher = outboxDispatcher(
    {},
    {
      store,
      network,
      clock,
      logger,
      multiaddrsOf: async (peerId) =>
        all.market.offers.known().find((offer) => offer.peerId === peerId)?.multiaddrs ?? [],
    },
  );
  const blobs = blobStore(blobsInit(config), { clock, logger });
  const domain = { chainId: config.identity.chainId };
  const infrastructure: NodeInfrastructure = {
    clock,
    logger,
    store,
    network,
    outbox: dispatcher,
    blobs,
    fetcher: blobFetcher({}, { network, blobs, clock, logger }),
    signer: signer(wallet, domain),
    verifier: verifier(domain),
  };
  const runtimes = await runtimeRegistry({ options: config.runtimes }, { clock, logger });
  const selling = config.provider.enabled ? { hardware: await hardwareSold(config), runtimes } : undefined;
  const all = services(config, infrastructure, selling);
  network.serveBlobs(
    blobServer(
      {
        allow: async (hash, sender) =>
          (await all.provider?.activities.allowBlob(hash, sender)) ?? all.requestor.allowBlob(hash, sender),
      },
      { chunkLists: blobs.chunkLists },
    ),
  );
  const context = { live, infrastructure, services: all, address: wallet.address };
  const control = sellingControl(context);
  const reload = reloader(context, control, components.readConfig);
  const keys = withFixedAppKey(appKeys({}, { store, clock, newId }), yagnaAppKey(config));
  const files = nodeFiles(config.dataDir, { appKeys: keys, pid: components.pid });
  const server = api(
    { ...apiInit(config), version: VERSION },
    apiComponents({
      live,
      infrastructure,
      services: all,
      runtimes,
      appKeys: keys,
      metrics: components.metrics,
      provider: control && {
        status: () => control.status(),
        setMode: (mode) => control.setMode(mode),
        reload,
      },
    }),
  );
  const parts = inOrder(infrastructure, all, control, [
    { name: 'metrics', part: eventMetrics({ store, network, metrics: components.metrics }) },
    { name: 'offers', part: control ?? withoutOffers(all) },
    { name: 'api', part: server },
    { name: 'retention', part: sweeper(config, infrastructure, all) },
    { name: 'node files', part: nodeFilesPart(files, server) },
  ]);
  const ordered = lifecycle(parts, { logger });
  return {
    address: wallet.address,
    url: () => server.url(),
    start: () => ordered.start(),
    stop: () => ordered.stop(),
    reload,
  };
}

/** The parts in the order of their needs, `last` behind those that everything stands on. */
function inOrder(
  { store, blobs, network, outbox }: NodeInfrastructure,
  all: Services,
  control: Control | undefined,
  last: readonly Part[],
): Part[] {
  return [
    { name: 'store', part: store },
    { name: 'blobs', part: blobs },
    ...(all.provider === undefined ? [] : [{ name: 'exe-units', part: all.provider.exeUnits }]),
    ...(control === undefined ? [] : [{ name: 'provider mode', part: firstHold(control) }]),
    { name: 'network', part: network },
    { name: 'outbox', part: outbox },
    { name: 'market', part: all.market },
    ...(all.provider === undefined ? [] : [{ name: 'activities sold', part: all.provider.activities }]),
    { name: 'activities bought', part: all.requestor },
    { name: 'networks', part: all.vpn },
    { name: 'payment', part: all.payment },
    { name: 'tasks', part: all.tasks },
    { name: 'removals', part: all.removals },
    ...last,
  ];
}

/** Reads the configuration again and takes it over, one at a time. */
function reloader(
  context: SellingContext,
  control: Control | undefined,
  readConfig: () => Promise<Config>,
): () => Promise<ConfigReload> {
  let reloading: Promise<unknown> = Promise.resolve();
  return () => {
    const done = reloading.then(async () => applyConfig(context, control, await readConfig()));
    reloading = done.catch(() => undefined);
    return done;
  };
}

function blobsInit({ dataDir, api: { maxPackageBytes }, provider }: Config) {
  return {
    directory: join(dataDir, 'blobs'),
    maxBlobBytes: maxPackageBytes,
    maxCachedBytes: provider.transfer.cacheBytes,
  };
}

function storeInit({ dataDir, identity }: Config, { address }: BaseWallet) {
  return {
    directory: join(dataDir, 'store'),
    identity: address,
    begunPath: begunPathOf(identity.keystorePath, address),
    migrations: MIGRATIONS,
  };
}

function yagnaAppKey({ yagna }: Config): FixedAppKey | undefined {
  const { enabled, appKey: key } = yagna;
  if (!enabled || key === undefined) return undefined;
  return { key, holder: { appKeyId: 'yagna', name: 'yagna.appKey', scopes: ['requestor'] } };
}

function networkInit(live: LiveConfig, wallet: BaseWallet) {
  const { network } = live.current;
  return {
    privateKeyRaw: libp2pPrivateKeyRaw(wallet),
    listen: network.listen,
    announce: network.announce,
    bootstrap: network.bootstrap,
    ...(network.mdns ? { mdns: {} } : {}),
    limits: { maxConnections: network.maxConnections },
    isDenied: (peer: Sender) => isDenied(live, peer),
    version: `ergon/${VERSION}`,
  };
}

const apiInit = ({ api: { host, port, corsOrigins, maxPackageBytes, rateLimitPerMinute } }: Config) => ({
  host,
  port,
  corsOrigins,
  limits: { maxPackageBytes, rateLimitPerMinute },
});

function hardwareSold(config: Config): Promise<Selling['hardware']> {
  const { cpuThreads, memoryBytes, storageBytes } = config.provider.hardware;
  return sellableHardware(config.dataDir, {
    ...(cpuThreads === undefined ? {} : { cpuThreads }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(storageBytes === undefined ? {} : { storageBytes }),
  });
}

function sweeper(
  config: Config,
  { store, clock, logger }: NodeInfrastructure,
  { payment }: Services,
): Startable {
  const forget = forgettable(config, { store, payment });
  return retention(config.retention, { clock, logger, forget, compact: () => store.compact() });
}

/** A paused node holds its activities before anything could let them go. */
function firstHold(control: Control): Startable {
  return { start: () => control.prepare(), stop: () => Promise.resolve() };
}

/** A node that sells no more takes what it sold from the market. */
function withoutOffers({ market }: Services): Startable {
  return { start: () => market.offers.withdraw(), stop: () => Promise.resolve() };
}

/** The last to start and the first to stop: what it writes says that the node is there. */
function nodeFilesPart(files: ReturnType<typeof nodeFiles>, server: { url(): string }): Startable {
  return {
    async start() {
      await files.ensureAppKey();
      await files.announceApi(server.url());
    },
    stop: () => files.withdrawApi(),
  };
}
