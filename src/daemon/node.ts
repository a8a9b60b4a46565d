import { join } from 'node:path';
import type { BaseWallet } from 'ethers';
import { api } from '../api/index.ts';
import type { Config } from '../config/index.ts';
import { runtimeRegistry, type RuntimeReport } from '../exe-unit/index.ts';
import { appKeys, libp2pPrivateKeyRaw, signer, verifier } from '../identity/index.ts';
import type { Clock, Logger, Startable } from '../interface/index.ts';
import { libp2pNetwork, outboxDispatcher } from '../network/index.ts';
import { levelStore } from '../store/index.ts';
import type { MetricsRegistry } from '../telemetry/index.ts';
import { blobFetcher, blobServer, blobStore } from '../transfer/index.ts';
import { newId } from '../util/id.ts';
import { apiComponents } from './api-components.ts';
import { eventMetrics } from './event-metrics.ts';
import { sellableHardware } from './hardware.ts';
import { lifecycle, type Part } from './lifecycle.ts';
import { nodeFiles } from './node-files.ts';
import { offerDrafts } from './offer-drafts.ts';
import { services, type Ground, type Selling, type Services } from './services.ts';
import { VERSION } from './version.ts';

export interface NodeComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly wallet: BaseWallet;
  readonly pid: number;
}

export interface ErgonNode extends Startable {
  readonly address: string;
  /** Where the REST API listens, once started. */
  url(): string;
}

/** The composition root: makes every part, gives each what it needs, and starts them in the order of their needs. */
export async function ergonNode(config: Config, components: NodeComponents): Promise<ErgonNode> {
  const { clock, logger, wallet } = components;
  const store = levelStore(
    { directory: join(config.dataDir, 'store'), identity: wallet.address },
    { clock, logger },
  );
  const network = libp2pNetwork(networkInit(config, wallet), { clock, logger });
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
  const blobs = blobStore(
    { directory: join(config.dataDir, 'blobs'), maxBlobBytes: config.api.maxPackageBytes },
    { clock, logger },
  );
  const domain = { chainId: config.identity.chainId };
  const ground: Ground & { store: typeof store } = {
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
  const selling = config.provider.enabled ? await whatIsSold(config, { clock, logger }) : undefined;
  const all = services(config, ground, selling);
  network.serveBlobs(
    blobServer({
      allow: async (hash, sender) =>
        (await all.provider?.activities.allowBlob(hash, sender)) ?? all.requestor.allowBlob(hash, sender),
    }),
  );
  const keys = appKeys({}, { store, clock, newId });
  const files = nodeFiles(config.dataDir, { appKeys: keys, pid: components.pid });
  const server = api(
    { host: config.api.host, port: config.api.port, version: VERSION, limits: apiLimits(config) },
    apiComponents({
      config,
      ground,
      services: all,
      appKeys: keys,
      metrics: components.metrics,
      hardware: selling?.hardware,
    }),
  );
  const parts: Part[] = [
    { name: 'store', part: store },
    { name: 'blobs', part: blobs },
    ...(all.provider === undefined ? [] : [{ name: 'exe-units', part: all.provider.exeUnits }]),
    { name: 'network', part: network },
    { name: 'outbox', part: dispatcher },
    { name: 'market', part: all.market },
    ...(all.provider === undefined ? [] : [{ name: 'activities sold', part: all.provider.activities }]),
    { name: 'activities bought', part: all.requestor },
    { name: 'payment', part: all.payment },
    { name: 'tasks', part: all.tasks },
    { name: 'metrics', part: eventMetrics({ store, network, metrics: components.metrics }) },
    { name: 'offers', part: offering(config, all, selling, { address: wallet.address, logger }) },
    { name: 'api', part: server },
    { name: 'node files', part: fileKeeper(files, server) },
  ];
  const life = lifecycle(parts, { logger });
  return {
    address: wallet.address,
    url: () => server.url(),
    start: () => life.start(),
    stop: () => life.stop(),
  };
}

function networkInit({ network, provider }: Config, wallet: BaseWallet) {
  const denied = new Set(provider.deny.map((address) => address.toLowerCase()));
  return {
    privateKeyRaw: libp2pPrivateKeyRaw(wallet),
    listen: network.listen,
    announce: network.announce,
    bootstrap: network.bootstrap,
    ...(network.mdns ? { mdns: {} } : {}),
    limits: { maxConnections: network.maxConnections },
    isDenied: ({ address }: { address: string }) => denied.has(address.toLowerCase()),
    version: `ergon/${VERSION}`,
  };
}

const apiLimits = ({ api: { maxPackageBytes, rateLimitPerMinute } }: Config) => ({
  maxUploadBytes: maxPackageBytes,
  requestsPerMinute: rateLimitPerMinute,
});

async function whatIsSold(config: Config, components: { clock: Clock; logger: Logger }): Promise<Selling> {
  const { cpuThreads, memoryBytes, storageBytes } = config.provider.hardware;
  return {
    hardware: await sellableHardware(config.dataDir, {
      ...(cpuThreads === undefined ? {} : { cpuThreads }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(storageBytes === undefined ? {} : { storageBytes }),
    }),
    runtimes: await runtimeRegistry({}, components),
  };
}

/** Publishes the node's offers once all that answers to them runs. */
function offering(
  config: Config,
  { market, payment }: Services,
  selling: Selling | undefined,
  components: { address: string; logger: Logger },
): Startable {
  return {
    async start() {
      if (selling === undefined) return market.offers.withdraw();
      const reports: RuntimeReport[] = await selling.runtimes.reports();
      const { drivers } = payment;
      await market.offers.publish(
        offerDrafts({ ...components, config, hardware: selling.hardware, reports, drivers }),
      );
    },
    stop: () => Promise.resolve(),
  };
}

/** The last to start and the first to stop: what it writes says that the node is there. */
function fileKeeper(files: ReturnType<typeof nodeFiles>, server: { url(): string }): Startable {
  return {
    async start() {
      await files.ensureAppKey();
      await files.announceApi(server.url());
    },
    stop: () => files.withdrawApi(),
  };
}
