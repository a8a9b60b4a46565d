import { isErgonError } from '../../interface/errors.ts';
import type { Agreement, AgreementRecord, Demand, Offer } from '../../interface/market.ts';
import type { Reason } from '../../interface/values.ts';
import { delay } from '../../util/delay.ts';
import type { MarketComponents } from '../components.ts';
import { MarketError } from '../errors.ts';
import { KINDS, MARKET_PROTOCOL, checkAgreementAnswer, type AgreementAnswer } from '../wire.ts';
import { verifyAgreementSignature } from './check-proposal.ts';
import { advance, agreementBucket, notFound } from './records.ts';
import { deriveTerms } from './terms.ts';
import { verifyTermination, type Terminations } from './termination.ts';

export interface RequestorInit {
  /** The provider may approve for this long. */
  readonly approvalTimeoutMs: number;
  /** How long one request to a provider may take. */
  readonly answerTimeoutMs: number;
  /** Pause between requests to a provider that has not answered. */
  readonly retryMs: number;
  /** A provider that cannot be reached is asked for this long beyond its time to approve, then the agreement is cancelled. */
  readonly cancelAfterMs: number;
}

/** An agreement that has not been signed yet. */
export interface AgreementDraft {
  readonly agreementId: string;
  readonly offer: Offer;
  readonly demand: Demand;
  readonly expiresAt: number;
}

type Components = Pick<MarketComponents, 'store' | 'signer' | 'verifier' | 'network' | 'clock' | 'logger'> & {
  readonly terminations: Terminations;
};

/** The requestor's agreements up to their approval. Each step is on record before it is taken. */
export class RequestorAgreements {
  readonly #init: RequestorInit;
  readonly #components: Components;

  constructor(init: RequestorInit, components: Components) {
    this.#init = init;
    this.#components = components;
  }

  /** Makes it, in state Proposal. Idempotent for the same content; a rejected one may be made again, with another provider. */
  async create({ agreementId, offer, demand, expiresAt }: AgreementDraft): Promise<AgreementRecord> {
    const { store, clock, verifier } = this.#components;
    const terms = deriveTerms(offer, demand);
    return store.transact(async (tx) => {
      const known = await tx.get(agreementBucket, agreementId);
      if (known !== undefined && isSameDraft(known, offer, demand)) return known;
      if (known !== undefined && known.state !== 'Rejected') {
        throw new MarketError('ERR_MARKET_AGREEMENT_CONFLICT', `There is another agreement ${agreementId}`, {
          agreementId,
        });
      }
      const now = clock.now();
      const parties = { requestor: demand.requestor, provider: offer.provider };
      const approveBy = Math.min(now + this.#init.approvalTimeoutMs, expiresAt - 1);
      const agreement: Agreement = {
        agreementId,
        ...parties,
        offer,
        demand,
        terms,
        createdAt: now,
        approveBy,
        expiresAt,
      };
      const record: AgreementRecord = {
        agreement,
        role: 'requestor',
        state: 'Proposal',
        digest: verifier.digest('Agreement', agreement),
        signatures: {},
        stateChangedAt: now,
        history: [{ state: 'Proposal', at: now }],
      };
      tx.put(agreementBucket, agreementId, record);
      return record;
    });
  }

  /** Signs it, sends it, and asks until the provider has answered, or has not for too long. Returns what came of it. */
  async confirm(agreementId: string, signal: AbortSignal): Promise<AgreementRecord> {
    let record = await this.#propose(agreementId);
    while (record.state === 'Pending') {
      record = await this.ask(record, signal);
      if (record.state !== 'Pending') break;
      const { approveBy } = record.agreement;
      if (this.#components.clock.now() > approveBy + this.#init.cancelAfterMs) {
        return this.#components.terminations.cancel(agreementId, {
          code: 'NoAnswer',
          message: 'The provider did not answer in time',
        });
      }
      await delay(this.#components.clock, this.#init.retryMs, signal);
    }
    return record;
  }

  /**
   * Asks the provider once what became of a pending agreement. While it may still approve, by proposing it again,
   * which is the same question. A provider that does not answer leaves it pending: unknown is not refused.
   */
  async ask(record: AgreementRecord, signal?: AbortSignal): Promise<AgreementRecord> {
    const { network, clock, logger } = this.#components;
    const { agreement, signatures } = record;
    const { agreementId, offer } = agreement;
    const mayApprove = clock.now() < agreement.approveBy && signatures.requestor !== undefined;
    const [kind, body] =
      mayApprove && signatures.requestor !== undefined
        ? ([KINDS.proposeAgreement, { agreement, signature: signatures.requestor }] as const)
        : ([KINDS.getAgreement, { id: agreementId }] as const);
    const timeoutMs = this.#init.answerTimeoutMs;
    const options = { multiaddrs: offer.multiaddrs, timeoutMs, ...(signal === undefined ? {} : { signal }) };
    try {
      const reply = await network.request(offer.peerId, MARKET_PROTOCOL, kind, body, options);
      return await this.#settle(record, checkAgreementAnswer(reply));
    } catch (error) {
      signal?.throwIfAborted();
      const reason = refusalOf(error);
      if (reason !== undefined) return this.#reject(record, reason);
      logger.warn({ err: error, agreementId, peerId: offer.peerId }, 'provider has not answered');
      return record;
    }
  }

  async #propose(agreementId: string): Promise<AgreementRecord> {
    const { store, signer, clock } = this.#components;
    const record = await store.get(agreementBucket, agreementId);
    if (record?.role !== 'requestor') throw notFound(agreementId);
    if (record.state !== 'Proposal') return record;
    const signature = await signer.sign('Agreement', record.agreement);
    return store.transact(async (tx) => {
      const current = await tx.get(agreementBucket, agreementId);
      if (current === undefined) throw notFound(agreementId);
      if (current.state !== 'Proposal') return current;
      return advance(tx, current, 'propose', clock.now(), { signatures: { requestor: signature } });
    });
  }

  async #settle(record: AgreementRecord, answer: AgreementAnswer): Promise<AgreementRecord> {
    const { clock } = this.#components;
    if (answer.state === 'Pending') return record;
    if (answer.state === 'Rejected') return this.#reject(record, answer.reason);
    if (answer.state === 'Unknown') {
      // It can neither have been approved nor be approved any more.
      return clock.now() > record.agreement.approveBy ? this.#expire(record) : record;
    }
    verifyAgreementSignature(record.agreement, answer.signature, record.agreement.provider, this.#components);
    if (answer.state === 'Terminated') verifyTermination(record, answer.termination, this.#components);
    return this.#change(record, (tx, current) => {
      const signatures = { ...current.signatures, provider: answer.signature };
      const approved = advance(tx, current, 'approve', clock.now(), {
        signatures,
        approvedAt: answer.approvedAt,
      });
      if (answer.state === 'Approved') return approved;
      return advance(tx, approved, 'terminate', clock.now(), { termination: answer.termination });
    });
  }

  async #reject(record: AgreementRecord, reason: Reason): Promise<AgreementRecord> {
    return this.#change(record, (tx, current) =>
      advance(tx, current, 'reject', this.#components.clock.now(), { reason }),
    );
  }

  async #expire(record: AgreementRecord): Promise<AgreementRecord> {
    const reason = { code: 'Expired', message: 'The provider did not approve in time' };
    return this.#change(record, (tx, current) =>
      advance(tx, current, 'expire', this.#components.clock.now(), { reason }),
    );
  }

  /** Applies an answer to the very agreement that it was given for; whoever was faster has settled it already. */
  async #change(
    { agreement: { agreementId }, digest }: AgreementRecord,
    change: (tx: Parameters<typeof advance>[0], current: AgreementRecord) => AgreementRecord,
  ): Promise<AgreementRecord> {
    return this.#components.store.transact(async (tx) => {
      const current = await tx.get(agreementBucket, agreementId);
      if (current === undefined) throw notFound(agreementId);
      return current.state === 'Pending' && current.digest === digest ? change(tx, current) : current;
    });
  }
}

function isSameDraft({ agreement, state }: AgreementRecord, offer: Offer, demand: Demand): boolean {
  return (
    state !== 'Rejected' &&
    agreement.offer.signature === offer.signature &&
    agreement.demand.demandId === demand.demandId
  );
}

/** Errors that mean no, and for good; undefined for those after which the answer is not known. */
function refusalOf(error: unknown): Reason | undefined {
  if (isErgonError(error, 'ERR_MARKET_SIGNATURE'))
    return { code: 'InvalidSignature', message: error.message.slice(0, 2048) };
  if (!isErgonError(error, 'ERR_NETWORK_REMOTE')) return undefined;
  const { code, message } = error.detail;
  if (typeof code !== 'string' || !(code.startsWith('ERR_MARKET_') || code === 'ERR_NETWORK_INVALID'))
    return undefined;
  return {
    code: 'Refused',
    message: typeof message === 'string' ? message.slice(0, 2048) : error.message.slice(0, 2048),
    detail: { code },
  };
}
