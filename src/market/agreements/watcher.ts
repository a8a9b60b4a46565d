import type { AgreementRecord, AgreementState, Role } from '../../interface/market.ts';
import { proposalBucket } from '../negotiation/proposal-record.ts';
import type { MarketComponents } from '../components.ts';
import { advance, agreementBucket } from './records.ts';
import type { RequestorAgreements } from './requestor.ts';
import type { Terminations } from './termination.ts';

export interface WatcherInit {
  readonly sweepIntervalMs: number;
  /** The provider ends an agreement at its end; the requestor does so itself after this much longer. */
  readonly expiryGraceMs: number;
  /** A provider forgets what it rejected after this long. */
  readonly rejectedRetentionMs: number;
  /** What has expired is cleared away this often: finding it takes a look at all that has not. */
  readonly clearIntervalMs: number;
}

type Components = Pick<MarketComponents, 'store' | 'clock' | 'logger'> & {
  readonly requestor: RequestorAgreements;
  readonly terminations: Terminations;
  /** Agreements that a request is driving already. */
  readonly isDriven: (agreementId: string) => boolean;
};

/** Ends what is over, asks after what is unanswered (also from before a restart), and clears away what has expired. */
export class Watcher {
  readonly #init: WatcherInit;
  readonly #components: Components;
  readonly #asking = new Map<string, Promise<unknown>>();
  #abort = new AbortController();
  #cancelTimer: () => void = () => undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #clearedAt = -Infinity;

  constructor(init: WatcherInit, components: Components) {
    this.#init = init;
    this.#components = components;
  }

  start(): void {
    this.#abort = new AbortController();
    this.#tick();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelTimer();
    await this.#sweeping;
    await Promise.allSettled(this.#asking.values());
  }

  #tick(): void {
    this.#sweeping = this.#sweepSafely().then((nextMs) => {
      if (!this.#abort.signal.aborted)
        this.#cancelTimer = this.#components.clock.setTimer(() => this.#tick(), nextMs);
    });
  }

  async #sweepSafely(): Promise<number> {
    try {
      return await this.sweep();
    } catch (err) {
      this.#components.logger.error({ err }, 'agreements not swept');
      return this.#init.sweepIntervalMs;
    }
  }

  /** One round; returns how long to wait for the next. */
  async sweep(): Promise<number> {
    const dueMs = [
      await this.#endExpired('provider', 0),
      await this.#endExpired('requestor', this.#init.expiryGraceMs),
    ];
    await this.#expireUnsent('requestor', 'Proposal');
    await this.#expireUnsent('provider', 'Pending');
    await this.#askPending();
    if (this.#components.clock.now() >= this.#clearedAt + this.#init.clearIntervalMs) await this.#clear();
    return Math.max(1, Math.min(this.#init.sweepIntervalMs, ...dueMs));
  }

  async #endExpired(role: Role, graceMs: number): Promise<number> {
    const { clock, terminations, logger } = this.#components;
    let nextMs = this.#init.sweepIntervalMs;
    for (const { agreement } of await this.#list(role, 'Approved')) {
      const leftMs = agreement.expiresAt + graceMs - clock.now();
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs);
      else {
        logger.info({ agreementId: agreement.agreementId }, 'agreement expired');
        await terminations.terminate(agreement.agreementId, {
          code: 'Expired',
          message: 'The agreement has reached its end',
        });
      }
    }
    return nextMs;
  }

  async #expireUnsent(role: Role, state: AgreementState): Promise<void> {
    const { clock } = this.#components;
    for (const record of await this.#list(role, state)) {
      if (clock.now() > record.agreement.approveBy) await this.#expire(record);
    }
  }

  async #expire({ agreement: { agreementId }, state }: AgreementRecord): Promise<void> {
    const { store, clock } = this.#components;
    await store.transact(async (tx) => {
      const current = await tx.get(agreementBucket, agreementId);
      if (current?.state !== state) return;
      const reason = { code: 'Expired', message: 'It was not approved in time' };
      advance(tx, current, 'expire', clock.now(), { reason });
    });
  }

  /** Not awaited: a provider that does not answer must not hold up the others. */
  async #askPending(): Promise<void> {
    const { clock, requestor, isDriven, logger } = this.#components;
    for (const record of await this.#list('requestor', 'Pending')) {
      const { agreementId, expiresAt } = record.agreement;
      if (isDriven(agreementId) || this.#asking.has(agreementId)) continue;
      if (clock.now() > expiresAt) {
        await this.#expire(record);
        continue;
      }
      const asking = requestor
        .ask(record, this.#abort.signal)
        .catch((err: unknown) =>
          logger.debug({ err, agreementId }, 'question after a pending agreement was given up'),
        )
        .finally(() => this.#asking.delete(agreementId));
      this.#asking.set(agreementId, asking);
    }
  }

  async #clear(): Promise<void> {
    const { store, clock } = this.#components;
    const now = clock.now();
    this.#clearedAt = now;
    const proposals = (await store.list(proposalBucket)).filter(({ value }) => value.expiresAt <= now);
    const rejected = (await this.#list('provider', 'Rejected')).filter(
      ({ stateChangedAt }) => stateChangedAt + this.#init.rejectedRetentionMs <= now,
    );
    if (proposals.length + rejected.length === 0) return;
    await store.transact(async (tx) => {
      for (const { id } of proposals) {
        if ((await tx.get(proposalBucket, id)) !== undefined) tx.delete(proposalBucket, id);
      }
      for (const { agreement } of rejected) {
        const current = await tx.get(agreementBucket, agreement.agreementId);
        if (current?.state === 'Rejected') tx.delete(agreementBucket, agreement.agreementId);
      }
    });
  }

  async #list(role: Role, state: AgreementState): Promise<AgreementRecord[]> {
    const where = { index: 'roleState', equals: `${role}:${state}` };
    return (await this.#components.store.list(agreementBucket, { where })).map(({ value }) => value);
  }
}
