import type { Terms } from '../../src/interface/market.ts';
import type { LedgerInit, PaymentInit } from '../../src/payment/index.ts';
import { FakeClock } from './fake-clock.ts';
import { testIdentity } from './identities.ts';
import { PaymentNode, quiesce } from './payment-node.ts';
import {
  addActivity,
  addAgreement,
  addSample,
  agreementRecord,
  endActivity,
  sampleAt,
  terminateAgreement,
  TEST_TERMS,
} from './payment-world.ts';

export interface PairInit {
  readonly payment?: PaymentInit;
  readonly providerLedger?: LedgerInit;
  readonly requestorLedger?: LedgerInit;
  readonly terms?: Partial<Terms>;
  /** Of the allocation; none is made for null. */
  readonly budget?: string | null;
}

/** A provider and a requestor with the agreement `agr` between them. */
export class PaymentPair {
  readonly clock = new FakeClock();
  readonly provider: PaymentNode;
  readonly requestor: PaymentNode;
  readonly #init: PairInit;

  constructor(init: PairInit = {}) {
    this.#init = init;
    const payment = init.payment ?? {};
    this.provider = new PaymentNode(testIdentity('provider'), this.clock, {
      payment,
      ledger: init.providerLedger ?? {},
    });
    this.requestor = new PaymentNode(testIdentity('requestor'), this.clock, {
      payment,
      ledger: init.requestorLedger ?? {},
    });
    this.provider.onTerminate = async (id) => {
      await terminateAgreement(this.requestor.store, id);
    };
  }

  async start(): Promise<this> {
    await this.provider.start();
    await this.requestor.start();
    if (this.#init.budget !== null)
      await this.requestor.payment.allocations.create({
        allocationId: 'alloc',
        platform: 'ledger',
        total: this.#init.budget ?? '1000000000',
      });
    await this.agree('agr');
    return this;
  }

  async agree(agreementId: string): Promise<void> {
    const parties = { provider: this.provider.identity, requestor: this.requestor.identity };
    const terms = { ...TEST_TERMS, ...this.#init.terms };
    for (const role of ['provider', 'requestor'] as const)
      await addAgreement(
        this[role].store,
        agreementRecord(agreementId, parties, role, this.clock.now(), terms),
      );
    if (this.#init.budget !== null) await this.requestor.payment.allocations.assign(agreementId, 'alloc');
  }

  async create(activityId: string, agreementId = 'agr'): Promise<void> {
    const at = this.clock.now();
    const base = { activityId, agreementId, at };
    await addActivity(this.requestor.store, {
      ...base,
      role: 'requestor',
      peer: this.provider.identity,
    });
    await addActivity(this.provider.store, { ...base, role: 'provider', peer: this.requestor.identity });
  }

  /** Lets `seconds` pass and reports the usage of them; the requestor hears of it unless `mirrored` is false. */
  async use(activityId: string, sequence: number, totalSeconds: number, mirrored = true): Promise<void> {
    const sample = sampleAt(sequence, totalSeconds, this.clock.now());
    await addSample(this.provider.store, activityId, sample);
    if (mirrored) await addSample(this.requestor.store, activityId, sample);
  }

  async end(activityId: string): Promise<void> {
    await endActivity(this.provider.store, activityId);
    await endActivity(this.requestor.store, activityId);
  }

  async terminate(agreementId = 'agr'): Promise<void> {
    await terminateAgreement(this.provider.store, agreementId);
    await terminateAgreement(this.requestor.store, agreementId);
  }

  quiesce(): Promise<void> {
    return quiesce(this.provider, this.requestor);
  }

  async stop(): Promise<void> {
    await this.provider.stop();
    await this.requestor.stop();
  }
}
