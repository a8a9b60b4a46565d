import type { AgreementRequest } from '../../src/interface/market.ts';
import type { Network } from '../../src/interface/network.ts';
import { PROPERTY } from '../../src/interface/property-names.ts';
import type { SlotAmounts } from '../../src/interface/slots.ts';
import type { Store, StoredEvent } from '../../src/interface/store.ts';
import { slotLedger, type SlotLedger } from '../../src/activity/index.ts';
import {
  buildOffer,
  market,
  type Market,
  type MarketInit,
  type OfferDraft,
  type OfferSource,
} from '../../src/market/index.ts';
import { addressOfPeerId, outboxDispatcher, type MemoryHub } from '../../src/network/index.ts';
import { memoryStore } from '../../src/store/index.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import type { FakeClock } from './fake-clock.ts';
import { testIdentity, testVerifier, type TestIdentity } from './identities.ts';

export const TOTAL: SlotAmounts = { cpuThreads: 4, memoryBytes: 4 * 2 ** 30, storageBytes: 16 * 2 ** 30 };

/** A node that has only a market; it can be killed and started again over the same books. */
export class MarketNode {
  readonly identity: TestIdentity;
  readonly store: Store;
  readonly slots: SlotLedger;
  market!: Market;
  network!: Network;
  readonly #hub: Pick<MemoryHub, 'join'>;
  readonly #clock: FakeClock;
  readonly #init: MarketInit;
  #nextId = 0;
  #stop: () => Promise<void> = async () => undefined;

  constructor(name: string, hub: Pick<MemoryHub, 'join'>, clock: FakeClock, init: MarketInit = {}) {
    this.identity = testIdentity(name);
    this.#hub = hub;
    this.#clock = clock;
    this.#init = init;
    this.store = memoryStore({ clock });
    this.slots = slotLedger({ total: TOTAL }, { store: this.store, clock, logger: silentLogger });
  }

  async start(init: MarketInit = {}): Promise<void> {
    await this.store.start();
    const { peerId, address, signer } = this.identity;
    const network = this.#hub.join({ peerId, address });
    const common = { store: this.store, network, clock: this.#clock, logger: silentLogger };
    const outbox = outboxDispatcher({}, common);
    this.network = network;
    this.market = market(
      { ...this.#init, ...init },
      {
        ...common,
        signer,
        verifier: testVerifier,
        newId: () => `${this.identity.address.slice(2, 8)}-${String(++this.#nextId).padStart(6, '0')}`,
        addressOfPeerId,
        slots: this.slots,
        outbox: { onReply: (protocol, kind) => outbox.onReply(protocol, kind, async () => undefined) },
      },
    );
    await network.start();
    await outbox.start();
    await this.market.start();
    this.#stop = async () => {
      await network.stop();
      await outbox.stop();
      await this.market.stop();
    };
  }

  /** What is in memory is lost; the books stay. */
  async stop(): Promise<void> {
    const stop = this.#stop;
    this.#stop = async () => undefined;
    await stop();
  }

  async restart(init: MarketInit = {}): Promise<void> {
    await this.stop();
    await this.start(init);
  }

  async events(type?: string): Promise<StoredEvent[]> {
    return this.store.events.query(type === undefined ? {} : { types: [type] });
  }

  async states(agreementId: string): Promise<string[]> {
    const record = await this.market.get(agreementId);
    return (record?.history ?? []).map(({ state }) => state);
  }
}

const CONDITIONS: OfferSource['conditions'] = {
  debitNoteIntervalSec: { min: 10, max: 600, default: 120 },
  debitNoteAcceptTimeoutSec: { min: 30, max: 3600, default: 240 },
  paymentTimeoutSec: { min: 0, max: 86_400, default: 3600 },
  idleTimeoutSec: 300,
  maxOutputBytes: 2 ** 20,
  minimum: { cpuThreads: 1, memoryBytes: 64 * 2 ** 20, storageBytes: 2 ** 20 },
};

export function offerSource(over: Partial<OfferSource> = {}, startPrice = '0.001'): OfferSource {
  return {
    node: { name: 'test provider', subnet: 'public' },
    runtime: {
      name: 'wasi',
      version: '1.0.0',
      capabilities: ['start', 'net'],
      properties: { 'ergon.runtime.sandbox': 'wasmer' },
    },
    preset: {
      name: 'default',
      prices: { 'golem.usage.duration_sec': '0.0001', 'golem.usage.cpu_sec': '0.0002' },
      startPrice,
    },
    hardware: { architecture: 'x86_64', cpuCores: 2, offered: TOTAL },
    platforms: [{ name: 'ledger', address: '0x00000000000000000000000000000000000000aa', decimals: 18 }],
    conditions: CONDITIONS,
    transferProtocols: ['http', 'https'],
    ...over,
  };
}

export function draft(startPrice = '0.001', over: Partial<OfferSource> = {}): OfferDraft {
  return buildOffer(offerSource(over, startPrice));
}

export function wish(
  agreementId: string,
  clock: FakeClock,
  over: Partial<AgreementRequest> = {},
): AgreementRequest {
  return {
    agreementId,
    properties: {
      [PROPERTY.chosenPlatform]: 'ledger',
      [PROPERTY.requestedCpuThreads]: 1,
      [PROPERTY.requestedMemoryBytes]: 2 ** 30,
      [PROPERTY.requestedStorageBytes]: 2 ** 30,
    },
    constraints: '(&(golem.runtime.name=wasi)(golem.inf.mem.gib>=0.5))',
    expiresAt: clock.now() + 3_600_000,
    waitMs: 10_000,
    ...over,
  };
}

/** Moves the time on until the work is done. */
export async function finish<T>(
  clock: FakeClock,
  work: Promise<T>,
  stepMs = 100,
  maxMs = 600_000,
): Promise<T> {
  const state = { settled: false };
  const watched = work.finally(() => (state.settled = true));
  watched.catch(() => undefined);
  await clock.settle();
  for (let passedMs = 0; !state.settled; passedMs += stepMs) {
    if (passedMs > maxMs) throw new Error(`not finished after ${maxMs} ms`);
    await clock.advance(stepMs);
  }
  return watched;
}

export const never = new AbortController().signal;
