import type {
  Clock,
  InvoiceRecord,
  DebitNoteRecord,
  PaymentRecord,
  Store,
} from '../../../../src/interface/index.ts';
import { buildServer } from '../../../../src/api/api.ts';
import { bucketCollection } from '../../../../src/api/collection.ts';
import type { ApiComponents, Caller } from '../../../../src/api/components.ts';
import { Idempotency } from '../../../../src/api/idempotency.ts';
import { DEFAULT_LIMITS, type ApiLimits } from '../../../../src/api/limits.ts';
import type { ApiServer } from '../../../../src/api/route.ts';
import { Origins } from '../../../../src/api/origins.ts';
import { EventStreams } from '../../../../src/api/sse.ts';
import { memoryStore } from '../../../../src/store/index.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { newId } from '../../../../src/util/id.ts';
import { silentLogger } from '../../../../src/util/silent-logger.ts';
import {
  buckets,
  fakeActivities,
  fakeAgreements,
  fakeAllocations,
  fakeHolding,
  fakeImages,
  fakeOutputs,
  fakeProvider,
  fakeRemoval,
  fakeTasks,
  FakeError,
  looseBucket,
  memoryBlobs,
} from './fakes.ts';
import { conformance, type Route } from './document.ts';
import { HASH, offer, PEER, REQUESTOR } from './samples.ts';

export const bookBuckets = {
  debitNotes: looseBucket<DebitNoteRecord>('debit-notes', { agreement: ({ note }) => [note.agreementId] }),
  invoices: looseBucket<InvoiceRecord>('invoices', { agreement: ({ invoice }) => [invoice.agreementId] }),
  payments: looseBucket<PaymentRecord>('payments', {
    payment: ({ payment }) => [payment.paymentId],
    invoice: ({ payment }) => [payment.invoiceId],
    agreement: ({ payment }) => [payment.agreementId],
  }),
};

const KEYS: Readonly<Record<string, Caller>> = {
  'key-read': { appKeyId: 'k1', name: 'reader', scopes: ['read'] },
  'key-requestor': { appKeyId: 'k2', name: 'requestor', scopes: ['requestor'] },
  'key-provider': { appKeyId: 'k4', name: 'provider', scopes: ['provider'] },
  'key-page': {
    appKeyId: 'k5',
    name: 'page',
    scopes: ['requestor'],
    corsOrigins: ['https://app.example.com'],
  },
  'key-admin': { appKeyId: 'k3', name: 'admin', scopes: ['admin'] },
};

/** The API over in-memory parts. `changes` has a line for all that a request has made happen. */
export async function apiWorld(
  options: { clock?: Clock; limits?: Partial<ApiLimits>; corsOrigins?: readonly string[] } = {},
) {
  const clock = options.clock ?? systemClock();
  const store = memoryStore({ clock });
  await store.start();
  const changes: string[] = [];
  const activities = fakeActivities(store, changes);
  const components = componentsOf({ clock, store, changes, activities });
  const stopping = new AbortController();
  const limits = { ...DEFAULT_LIMITS, logPollIntervalMs: 1, ...options.limits };
  const streams = new EventStreams(clock, limits.pingIntervalMs, stopping.signal);
  const context = {
    ...components,
    limits,
    streams,
    origins: new Origins(options.corsOrigins ?? [], components.appKeys, () => clock.now()),
    idempotency: new Idempotency(components),
    stopSignal: stopping.signal,
  };
  const app = await buildServer({ limits, version: '0.0.0' }, context);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await app.close();
    await store.stop();
  };
  return { app, store, changes, activities, components, context, stop, ...requests(app) };
}
export type ApiWorld = Awaited<ReturnType<typeof apiWorld>>;

function componentsOf(world: {
  clock: Clock;
  store: Store;
  changes: string[];
  activities: ReturnType<typeof fakeActivities>;
}): ApiComponents {
  const { clock, store, changes, activities } = world;
  const blobs = memoryBlobs(changes);
  return {
    clock,
    logger: silentLogger,
    newId,
    store,
    events: store.events,
    blobs,
    verifier: { digest: () => `0x${'2'.repeat(64)}`, verify: () => undefined },
    tasks: fakeTasks(store, changes),
    agreements: fakeAgreements(store, changes),
    activities,
    holding: {
      requestor: fakeHolding(store, changes, 'requestor'),
      provider: fakeHolding(store, changes, 'provider'),
    },
    logs: activities,
    outputs: fakeOutputs(blobs, changes),
    allocations: fakeAllocations(store, changes),
    offers: {
      list: async () => [offer],
      get: async (id) => (id === offer.offerId ? offer : undefined),
      explain: async (constraints) => {
        if (!constraints.startsWith('('))
          throw new FakeError('ERR_MARKET_CONSTRAINT_SYNTAX', 'no (', { column: 1 });
        return [{ offer, matches: 'false', reasons: ['golem.inf.mem.gib is 2'] }];
      },
    },
    localPackages: fakeImages(),
    removal: fakeRemoval(changes),
    network: {
      peers: () => [
        { peerId: PEER, address: REQUESTOR, multiaddrs: [], direction: 'inbound', connectedAt: 1 },
      ],
    },
    appKeys: {
      authenticate: async (key) => KEYS[key],
      list: async () => [
        { appKeyId: 'k1', name: 'reader', scopes: ['read'], createdAt: 1, secretHash: 'hidden' },
        { ...KEYS['key-page']!, createdAt: 1, secretHash: 'hidden' },
        {
          ...KEYS['key-page']!,
          corsOrigins: ['https://gone.example.com'],
          createdAt: 1,
          revokedAt: 2,
          secretHash: 'hidden',
        },
      ],
      create: async ({ name, scopes, corsOrigins }) => {
        changes.push(`app-key ${name}`);
        return {
          key: 'secret',
          record: {
            appKeyId: 'k9',
            name,
            scopes,
            ...(corsOrigins !== undefined && { corsOrigins }),
            createdAt: 1,
            secretHash: 'hidden',
          },
        };
      },
      revoke: async (appKeyId) => {
        changes.push(`revoke ${appKeyId}`);
        return { appKeyId, name: 'reader', scopes: ['read'], createdAt: 1, revokedAt: 2 };
      },
    },
    provider: fakeProvider(changes),
    node: {
      info: async () => ({
        peerId: PEER,
        address: REQUESTOR,
        multiaddrs: [],
        version: '0.0.0',
        startedAt: 1,
        platforms: [{ platform: 'ledger', symbol: 'ERG', decimals: 18 }],
        lastEventSeq: store.events.last(),
      }),
      health: async () => ({ ok: true, checks: { store: 'ok' } }),
      metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: '# HELP up\nup 1\n' }),
      backup: async (name) => {
        changes.push(`backup ${name}`);
        return { path: `/data/backups/${name}`, records: 3 };
      },
    },
    books: {
      tasks: bucketCollection(store, buckets.tasks, {}),
      agreements: bucketCollection(store, buckets.agreements, { state: (a) => a.state, role: (a) => a.role }),
      activities: bucketCollection(store, buckets.activities, {
        agreement: (a) => a.agreementId,
        state: (a) => a.state,
      }),
      batches: bucketCollection(store, buckets.batches, {}),
      debitNotes: bucketCollection(store, bookBuckets.debitNotes, {
        activity: ({ note }) => note.activityId,
      }),
      invoices: bucketCollection(store, bookBuckets.invoices, { state: ({ state }) => state }),
      payments: bucketCollection(store, bookBuckets.payments, {}),
      allocations: bucketCollection(store, buckets.allocations, {}),
    },
  };
}

interface Call {
  readonly body?: unknown;
  readonly key?: string;
  readonly headers?: Record<string, string>;
}

/** Requests whose successful JSON answers are held against the OpenAPI document. */
function requests(app: ApiServer) {
  const checked = conformance(app);
  const call = async (method: Route['method'], url: string, options: Call = {}) => {
    const answer = await app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${options.key ?? 'key-admin'}`, ...options.headers },
      ...(options.body !== undefined && { payload: options.body as object }),
    });
    await checked(method, url, answer);
    return answer;
  };
  return {
    call,
    get: (url: string, headers: Record<string, string> = {}) => call('GET', url, { headers }),
    post: (url: string, body?: unknown, headers: Record<string, string> = {}) =>
      call('POST', url, { body, headers }),
  };
}

export const taskBody = { package: HASH };
