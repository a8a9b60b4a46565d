import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { batches } from '../activity/index.ts';
import { bucketCollection, type ApiComponents, type Books, type NodeInfo } from '../api/index.ts';
import type { RuntimeRegistry } from '../exe-unit/index.ts';
import type { AppKeys } from '../identity/index.ts';
import { PROPERTY, type Reader, type Store } from '../interface/index.ts';
import { agreementBucket } from '../market/index.ts';
import { allocationsBucket, debitNotesBucket, invoicesBucket, paymentsBucket } from '../payment/index.ts';
import { backupStore, type LevelStore } from '../store/index.ts';
import { taskBucket } from '../task/index.ts';
import type { MetricsRegistry } from '../telemetry/index.ts';
import { errorMessage } from '../util/error-message.ts';
import { newId } from '../util/id.ts';
import { activityOutputs } from './activity-outputs.ts';
import { activityRecords } from './activity-records.ts';
import { localPackages } from './local-packages.ts';
import { offerTemplate } from './offer-drafts.ts';
import { draftParts, type LiveConfig } from './selling.ts';
import type { Infrastructure, Services } from './services.ts';
import { VERSION } from './version.ts';

export interface ApiContext {
  readonly live: LiveConfig;
  readonly infrastructure: Infrastructure & { readonly store: LevelStore };
  readonly services: Services;
  readonly runtimes: RuntimeRegistry;
  readonly appKeys: AppKeys;
  readonly metrics: MetricsRegistry;
  readonly provider: ApiComponents['provider'];
}

/** The narrow faces of the daemon's parts that the REST API calls. */
export function apiComponents(context: ApiContext): ApiComponents {
  const { infrastructure, services, appKeys } = context;
  const { market, payment, requestor, books } = services;
  return {
    ...infrastructure,
    newId,
    events: infrastructure.store.events,
    appKeys,
    tasks: services.tasks,
    agreements: market,
    activities: requestor,
    holding: { requestor, ...(services.provider && { provider: services.provider.activities }) },
    logs: { readLog: (...args) => books.activityLogs(...args) },
    outputs: activityOutputs(infrastructure, requestor),
    allocations: payment.allocations,
    offers: offerQueries(context),
    localPackages: localPackages(context.runtimes),
    removal: services.removals,
    node: nodeQueries(context),
    ...(context.provider && { provider: context.provider }),
    books: recordBooks(infrastructure.store),
    ...yagnaParts(context),
  };
}

function yagnaParts({ live, infrastructure, services }: ApiContext): Pick<ApiComponents, 'yagna'> {
  const { yagna } = live.current;
  if (!yagna.enabled) return {};
  const { market, payment, provider } = services;
  const { platforms, images } = yagna;
  const { address, peerId } = infrastructure.network;
  return {
    yagna: {
      init: { platforms, images },
      address,
      peerId,
      market,
      bills: payment.bills,
      drivers: payment.drivers,
      blobs: infrastructure.blobs,
      networks: services.vpn.networks,
      ...(provider && {
        offerTemplate: async (name: string) =>
          offerTemplate(name, await draftParts({ live, infrastructure, services, address }, provider)),
      }),
    },
  };
}

function offerQueries({ services: { market } }: ApiContext): ApiComponents['offers'] {
  return {
    list: async () => [...market.offers.known(), ...(await market.offers.own())],
    get: async (offerId) =>
      market.offers.get(offerId) ?? (await market.offers.own()).find((offer) => offer.offerId === offerId),
    explain: async (constraints) =>
      market.offers.explain({ properties: {}, constraints }).flatMap(({ offerId, result, unmet }) => {
        const offer = market.offers.get(offerId);
        if (offer === undefined) return [];
        return [
          {
            offer,
            matches: TRUTH[String(result)] ?? 'undefined',
            reasons: unmet.map((term) => term.explanation),
          },
        ];
      }),
  };
}

const TRUTH: Readonly<Record<string, 'true' | 'false' | 'undefined'>> = { true: 'true', false: 'false' };

function nodeQueries(context: ApiContext): ApiComponents['node'] {
  const { live, infrastructure, services, metrics } = context;
  const { store, network, clock } = infrastructure;
  const startedAt = clock.now();
  const providerInfo = async (): Promise<Pick<NodeInfo, 'provider'>> => {
    const { provider } = services;
    if (provider === undefined) return {};
    // What is named in the configuration may not be there, or not be on offer now.
    const offered = (await services.market.offers.own()).map(
      ({ properties }) => properties[PROPERTY.runtimeName],
    );
    const runtimes = live.current.provider.runtimes.filter((name) => offered.includes(name));
    const { total } = provider.slots;
    return { provider: { runtimes, total, free: await provider.slots.free(store) } };
  };
  return {
    info: async () => ({
      peerId: network.peerId,
      address: network.address,
      multiaddrs: [...network.multiaddrs()],
      version: VERSION,
      startedAt,
      ...(await providerInfo()),
      platforms: services.payment.drivers.map(({ platform, symbol, decimals }) => ({
        platform,
        symbol,
        decimals,
      })),
      lastEventSeq: store.events.last(),
    }),
    health: async () => {
      const checks = {
        store: await storeHealth(store),
        network: network.multiaddrs().length > 0 ? 'ok' : 'not listening',
      };
      return { ok: Object.values(checks).every((check) => check === 'ok'), checks };
    },
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    backup: async (name) => {
      const folder = join(live.current.dataDir, 'backups');
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { path, entries } = await backupStore(store, join(folder, name));
      return { path, records: entries };
    },
  };
}

/** Whether the books can be read: a failed store refuses everything until the node is started anew. */
async function storeHealth(store: Reader): Promise<string> {
  try {
    await store.list(taskBucket, { limit: 1 });
    return 'ok';
  } catch (error) {
    return errorMessage(error);
  }
}

function recordBooks(reader: Store): Books {
  return {
    tasks: bucketCollection(reader, taskBucket, { state: (task) => task.state }),
    agreements: bucketCollection(reader, agreementBucket, {
      state: (record) => record.state,
      role: (record) => record.role,
    }),
    activities: activityRecords(reader),
    batches: bucketCollection(
      reader,
      batches,
      { activity: (batch) => batch.activityId },
      { activity: 'activityId' },
    ),
    debitNotes: bucketCollection(reader, debitNotesBucket, {
      agreement: ({ note }) => note.agreementId,
      activity: ({ note }) => note.activityId,
      state: (record) => record.state,
      role: (record) => record.role,
    }),
    invoices: bucketCollection(reader, invoicesBucket, {
      agreement: ({ invoice }) => invoice.agreementId,
      state: (record) => record.state,
      role: (record) => record.role,
    }),
    payments: bucketCollection(reader, paymentsBucket, {
      agreement: (record) => record.payment.agreementId,
      invoice: (record) => record.payment.invoiceId,
    }),
    allocations: bucketCollection(reader, allocationsBucket, {}),
  };
}
