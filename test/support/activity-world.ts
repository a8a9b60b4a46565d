import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  activityProvider,
  activityRequestor,
  slotLedger,
  type ActivityProvider,
  type ActivityRequestor,
} from '../../src/activity/index.ts';
import {
  ErgonError,
  type AgreementRecord,
  type Agreements,
  type BlobFetcher,
  type ExeUnits,
  type Network,
  type Reason,
  type Role,
  type Store,
  type Terms,
  type UrlTransfers,
} from '../../src/interface/index.ts';
import { memoryNetwork, NetworkError, type MemoryHub } from '../../src/network/index.ts';
import { memoryStore } from '../../src/store/index.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeMachine } from './fake-exe-units.ts';
import { testIdentity } from './identities.ts';

export const PROVIDER = testIdentity('activity provider');
export const REQUESTOR = testIdentity('activity requestor');
const SIGNATURE = `0x${'0'.repeat(130)}`;
const HOUR = 3_600_000;

export const TERMS: Terms = {
  runtime: 'mock',
  resources: { cpuThreads: 1, memoryBytes: 1 << 20, storageBytes: 1 << 20 },
  pricing: { model: 'linear', platform: 'ledger', counters: [], coefficients: [], startPrice: '0' },
  debitNoteIntervalMs: 10_000,
  debitNoteAcceptTimeoutMs: 30_000,
  paymentTimeoutMs: 60_000,
  idleTimeoutMs: 0,
  maxOutputBytes: 1 << 20,
};

/** How a daemon reaches what is outside of it: a test may put something between. */
export interface Between {
  store(store: Store): Store;
  exeUnits(exeUnits: ExeUnits): ExeUnits;
}
const NOTHING: Between = { store: (it) => it, exeUnits: (it) => it };

/** Of one activity, in the provider's books. */
export const BOOKED_BYTES = 300_000;

/** A provider and a requestor with their activities, on a clock of the test's; either can be killed and started anew. */
export class ActivityWorld {
  readonly clock = new FakeClock();
  readonly hub: MemoryHub = memoryNetwork({ clock: this.clock });
  readonly machine = new FakeMachine(this.clock);
  readonly providerStore = memoryStore({ clock: this.clock });
  readonly requestorStore = memoryStore({ clock: this.clock });
  /** hash → size, of the blobs that the requestor has. */
  readonly requestorBlobs = new Map<string, number>();
  /** The servers that strangers name. */
  urls: UrlTransfers = {
    fetch: ({ url }) => Promise.reject(new ErgonError('ERR_TRANSFER_UNREACHABLE', `no ${url}`)),
    deliver: ({ url }) => Promise.reject(new ErgonError('ERR_TRANSFER_UNREACHABLE', `no ${url}`)),
  };
  readonly #agreements = new Map<
    string,
    { terms: Terms; expiresAt: number; state: 'Approved' | 'Terminated' }
  >();
  readonly #terminations = new Map<string, { by: Role; reason: Reason }>();
  /** Of the requestor's copies. */
  logsDir = '';
  #provider: { activities: ActivityProvider; network: Network } | undefined;
  #requestor: { activities: ActivityRequestor; network: Network } | undefined;

  async start(): Promise<void> {
    this.logsDir = await mkdtemp(join(tmpdir(), 'ergon-activity-'));
    await this.providerStore.start();
    await this.requestorStore.start();
    await this.startProvider();
    await this.startRequestor();
  }

  async stop(): Promise<void> {
    await this.stopRequestor();
    await this.stopProvider();
    await this.providerStore.stop();
    await this.requestorStore.stop();
    await rm(this.logsDir, { recursive: true, force: true });
  }

  get provider(): ActivityProvider {
    if (this.#provider === undefined) throw new Error('the provider does not run');
    return this.#provider.activities;
  }

  get requestor(): ActivityRequestor {
    if (this.#requestor === undefined) throw new Error('the requestor does not run');
    return this.#requestor.activities;
  }

  get requestorNetwork(): Network {
    if (this.#requestor === undefined) throw new Error('the requestor does not run');
    return this.#requestor.network;
  }

  get slots() {
    const total = { cpuThreads: 4, memoryBytes: 4 << 20, storageBytes: 4 << 20 };
    return slotLedger({ total }, { store: this.providerStore, clock: this.clock, logger: silentLogger });
  }

  async startProvider(between: Between = NOTHING): Promise<void> {
    const network = this.hub.join(PROVIDER);
    const store = between.store(this.providerStore);
    const activities = activityProvider(
      {
        nodeId: 'node',
        sampleIntervalMs: 1000,
        retentionMs: HOUR,
        orphanGraceMs: 60_000,
        quarantineAfterBoots: 8,
        blobAllowanceBytes: 1000,
        maxBookedBytes: BOOKED_BYTES,
      },
      {
        store,
        network,
        clock: this.clock,
        logger: silentLogger,
        exeUnits: between.exeUnits(this.machine.exeUnits()),
        blobs: {
          path: (hash) => Promise.resolve(`/blobs/${hash}`),
          hold: () => () => undefined,
          trim: () => Promise.resolve(),
        },
        fetcher: this.#fetcher(),
        urls: this.urls,
        agreements: this.#agreementsOf('provider'),
        slots: slotLedger(
          { total: { cpuThreads: 4, memoryBytes: 4 << 20, storageBytes: 4 << 20 } },
          { store, clock: this.clock, logger: silentLogger },
        ),
      },
    );
    this.#provider = { activities, network };
    await network.start();
    await activities.start();
  }

  async stopProvider(): Promise<void> {
    const running = this.#provider;
    this.#provider = undefined;
    await running?.activities.stop();
    await running?.network.stop();
  }

  async startRequestor(between: Between = NOTHING): Promise<void> {
    const network = this.hub.join(REQUESTOR);
    const activities = activityRequestor(
      { logsDir: this.logsDir, commandTimeoutMs: 60_000, abandonAfterMs: HOUR },
      {
        store: between.store(this.requestorStore),
        network,
        clock: this.clock,
        logger: silentLogger,
        agreements: this.#agreementsOf('requestor'),
        blobs: {
          path: async (hash) => (this.requestorBlobs.has(hash) ? `/requestor/${hash}` : undefined),
        },
      },
    );
    this.#requestor = { activities, network };
    await network.start();
    await activities.start();
  }

  async stopRequestor(): Promise<void> {
    const running = this.#requestor;
    this.#requestor = undefined;
    await running?.activities.stop();
    await running?.network.stop();
  }

  /** An agreement that both have approved, with its slots held at the provider. */
  async agree(agreementId: string, terms: Partial<Terms> = {}, lifeMs = 24 * HOUR): Promise<void> {
    const all = { ...TERMS, ...terms };
    this.#agreements.set(agreementId, {
      terms: all,
      expiresAt: this.clock.now() + lifeMs,
      state: 'Approved',
    });
    await this.providerStore.transact(async (tx) => {
      await this.slots.reserve(tx, agreementId, all.resources);
      tx.emit({ type: 'agreement.approved', subject: agreementId, data: {} });
    });
  }

  async terminate(agreementId: string, by: Role, reason: Reason): Promise<void> {
    const agreement = this.#agreements.get(agreementId);
    if (agreement === undefined) throw new Error(`no agreement ${agreementId}`);
    agreement.state = 'Terminated';
    this.#terminations.set(agreementId, { by, reason });
    await this.providerStore.transact(async (tx) => {
      tx.emit({ type: 'agreement.terminated', subject: agreementId, data: {} });
    });
  }

  termination(agreementId: string): { by: Role; reason: Reason } | undefined {
    return this.#terminations.get(agreementId);
  }

  /** Lets time pass, timer by timer, until it holds; fails after `maxMs` of the world's time. */
  async until(what: string, holds: () => Promise<boolean> | boolean, maxMs = 10 * 60_000): Promise<void> {
    const end = this.clock.now() + maxMs;
    for (;;) {
      await this.clock.settle();
      if (await holds()) return;
      if (this.clock.now() >= end) throw new Error(`not within ${maxMs} ms: ${what}`);
      await this.clock.advance(Math.min(this.clock.nextTimerMs ?? 100, 1000));
    }
  }

  /** The result of a call that takes the world's time. */
  async wait<T>(promise: Promise<T>, maxMs?: number): Promise<T> {
    let settled = false;
    promise.then(
      () => (settled = true),
      () => (settled = true),
    );
    await this.until('the call returns', () => settled, maxMs);
    return promise;
  }

  #agreementsOf(role: Role): Pick<Agreements, 'get' | 'terminate'> {
    return {
      get: async (agreementId) => this.#record(agreementId, role),
      terminate: async (agreementId, reason) => {
        await this.terminate(agreementId, role, reason);
        const record = this.#record(agreementId, role);
        if (record === undefined) throw new Error('unreachable');
        return record;
      },
    };
  }

  #record(agreementId: string, role: Role): AgreementRecord | undefined {
    const held = this.#agreements.get(agreementId);
    if (held === undefined) return undefined;
    const times = { createdAt: 1, expiresAt: held.expiresAt };
    const termination = this.#terminations.get(agreementId);
    return {
      agreement: {
        agreementId,
        requestor: REQUESTOR.address,
        provider: PROVIDER.address,
        offer: {
          offerId: 'offer',
          provider: PROVIDER.address,
          peerId: PROVIDER.peerId,
          multiaddrs: [],
          properties: {},
          constraints: '',
          signature: SIGNATURE,
          ...times,
        },
        demand: {
          demandId: 'demand',
          requestor: REQUESTOR.address,
          peerId: REQUESTOR.peerId,
          properties: {},
          constraints: '',
          ...times,
        },
        terms: held.terms,
        approveBy: 2,
        ...times,
      },
      role,
      state: held.state,
      digest: `0x${'0'.repeat(64)}`,
      signatures: {},
      stateChangedAt: 1,
      approvedAt: this.clock.now(),
      ...(termination !== undefined && {
        termination: { agreementId, at: this.clock.now(), signature: SIGNATURE, ...termination },
      }),
    };
  }

  /** Brings blobs as the network would: if the requestor runs and lets this provider have them. */
  #fetcher(): BlobFetcher {
    return {
      fetch: async (peerId, hash, options) => {
        if (peerId !== REQUESTOR.peerId) throw new Error('asked the wrong peer');
        if (this.#requestor === undefined) throw new NetworkError('ERR_NETWORK_UNREACHABLE', 'away');
        const path = await this.requestor.allowBlob(hash, PROVIDER);
        const sizeBytes = this.requestorBlobs.get(hash);
        if (path === undefined || sizeBytes === undefined) {
          throw new NetworkError('ERR_NETWORK_BLOB_NOT_FOUND', `no ${hash}`);
        }
        if (sizeBytes > (options?.maxBytes ?? Infinity)) {
          throw new ErgonError('ERR_TRANSFER_TOO_LARGE', 'too large');
        }
        return { hash, sizeBytes };
      },
    };
  }
}
