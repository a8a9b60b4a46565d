import { isErgonError } from '../../interface/errors.ts';
import type { AgreementRecord } from '../../interface/market.ts';
import type { RequestHandler, Sender } from '../../interface/network.ts';
import { PROPERTY } from '../../interface/property-names.ts';
import type { Transaction } from '../../interface/store.ts';
import type { Reason } from '../../interface/values.ts';
import type { MarketComponents } from '../components.ts';
import { MarketError } from '../errors.ts';
import { manual } from '../negotiation/manual.ts';
import {
  negotiate,
  type NegotiationContext,
  type Negotiator,
  type Verdict,
} from '../negotiation/negotiator.ts';
import { dropSettledProposals } from '../negotiation/settled-proposals.ts';
import type { OwnOffers } from '../offers/own-offers.ts';
import { checkAgreementProposal, checkById, type AgreementAnswer, type AgreementProposal } from '../wire.ts';
import { checkAgreement } from './check-proposal.ts';
import { advance, agreementBucket, notFound } from './records.ts';

type Components = Pick<
  MarketComponents,
  'store' | 'signer' | 'verifier' | 'network' | 'clock' | 'slots' | 'logger'
> & {
  readonly own: OwnOffers;
  readonly negotiators: readonly Negotiator[];
  readonly context: () => Promise<NegotiationContext>;
};

/** The provider's answers to proposed agreements. An answer that was given once is given again. */
export class ProviderAgreements {
  readonly #components: Components;

  constructor(components: Components) {
    this.#components = components;
  }

  proposeRequest(): RequestHandler<AgreementProposal> {
    return {
      check: checkAgreementProposal,
      handle: async (proposal, sender) => this.#receive(proposal, sender),
    };
  }

  getRequest(): RequestHandler<{ id: string }> {
    return {
      check: checkById,
      handle: async ({ id }, sender) => {
        const record = await this.#components.store.get(agreementBucket, id);
        const isParty = record?.role === 'provider' && record.agreement.requestor === sender.address;
        return isParty ? answerOf(record) : { state: 'Unknown' };
      },
    };
  }

  /**
   * Signs and holds the slots of an agreement that waits for a decision; rejects it, if this node's policy has come to
   * forbid it meanwhile. Idempotent.
   */
  async approve(agreementId: string): Promise<AgreementRecord> {
    const { store, signer, clock } = this.#components;
    const record = await this.#pending(agreementId);
    if (record.state === 'Approved') return record;
    const verdict = await this.#judge(record);
    if (verdict.type === 'reject') return this.reject(agreementId, verdict.reason);
    const signature = await signer.sign('Agreement', record.agreement);
    const approved = await store.transact(async (tx) => {
      const current = await tx.get(agreementBucket, agreementId);
      if (current === undefined || current.state === 'Approved') return current;
      if (clock.now() >= current.agreement.approveBy) throw tooLate(current);
      return this.#approveIn(tx, current, signature);
    });
    if (approved === undefined) throw notFound(agreementId);
    this.#refreshOffers();
    return approved;
  }

  async reject(agreementId: string, reason: Reason): Promise<AgreementRecord> {
    const { store, clock } = this.#components;
    await this.#pending(agreementId);
    return store.transact(async (tx) => {
      const current = await tx.get(agreementBucket, agreementId);
      if (current === undefined) throw notFound(agreementId);
      return current.state === 'Rejected' ? current : advance(tx, current, 'reject', clock.now(), { reason });
    });
  }

  async #receive(proposal: AgreementProposal, sender: Sender): Promise<AgreementAnswer> {
    const { store, own, verifier, signer } = this.#components;
    const { agreement } = proposal;
    const digest = verifier.digest('Agreement', agreement);
    const known = await store.get(agreementBucket, agreement.agreementId);
    if (known !== undefined && stands(known, digest, sender)) return answerOf(known);
    checkAgreement(proposal, sender, await own.find(agreement.offer.offerId), this.#components);
    const verdict = await this.#judge(proposal);
    const signature = verdict.type === 'accept' ? await signer.sign('Agreement', agreement) : undefined;
    const record = await this.#decide(proposal, digest, sender, verdict, signature);
    if (record.state === 'Approved') this.#refreshOffers();
    return answerOf(record);
  }

  /** By the end that the agreement itself names. At this stage there is nothing left to adjust. */
  async #judge({
    agreement: { offer, demand, expiresAt },
  }: Pick<AgreementProposal, 'agreement'>): Promise<Verdict> {
    const { own, negotiators, context } = this.#components;
    const isByHand = (await own.byHand(offer.offerId)) !== undefined;
    const chain = isByHand ? [...negotiators, manual] : negotiators;
    const properties = { ...demand.properties, [PROPERTY.expiration]: expiresAt };
    const position = { offer, demand: { ...demand, properties, expiresAt } };
    const verdict = negotiate('offer', chain, position, await context());
    const open = verdict.type === 'adjust' || verdict.type === 'pending' ? verdict.properties : undefined;
    if (open === undefined) return verdict;
    return {
      type: 'reject',
      reason: {
        code: 'NotNegotiated',
        message: `Not without: ${Object.keys(open).join(', ')}`,
      },
    };
  }

  async #decide(
    proposal: AgreementProposal,
    digest: string,
    sender: Sender,
    verdict: Verdict,
    signature: string | undefined,
  ): Promise<AgreementRecord> {
    try {
      return await this.#components.store.transact((tx) =>
        this.#decideIn(tx, proposal, digest, sender, verdict, signature),
      );
    } catch (error) {
      // Another agreement took the slots between the negotiation and now.
      if (!isErgonError(error, 'ERR_ACTIVITY_SLOTS_FULL')) throw error;
      const full: Verdict = {
        type: 'reject',
        reason: { code: 'NoFreeSlot', message: error.message.slice(0, 2048) },
      };
      return this.#components.store.transact((tx) =>
        this.#decideIn(tx, proposal, digest, sender, full, undefined),
      );
    }
  }

  async #decideIn(
    tx: Transaction,
    { agreement, signature: requestorSignature }: AgreementProposal,
    digest: string,
    sender: Sender,
    verdict: Verdict,
    signature: string | undefined,
  ): Promise<AgreementRecord> {
    const now = this.#components.clock.now();
    const known = await tx.get(agreementBucket, agreement.agreementId);
    if (known !== undefined && stands(known, digest, sender)) return known;
    const made: AgreementRecord = {
      agreement,
      role: 'provider',
      state: 'Proposal',
      digest,
      signatures: { requestor: requestorSignature },
      stateChangedAt: now,
      history: [{ state: 'Proposal', at: now }],
    };
    const pending = advance(tx, made, 'propose', now);
    if (verdict.type === 'reject') {
      await dropSettledProposals(tx, agreement);
      return advance(tx, pending, 'reject', now, { reason: verdict.reason });
    }
    return signature === undefined ? pending : this.#approveIn(tx, pending, signature);
  }

  async #approveIn(tx: Transaction, record: AgreementRecord, signature: string): Promise<AgreementRecord> {
    const { agreement, signatures } = record;
    await this.#components.slots?.reserve(tx, agreement.agreementId, agreement.terms.resources);
    await dropSettledProposals(tx, agreement);
    const approvedAt = this.#components.clock.now();
    return advance(tx, record, 'approve', approvedAt, {
      signatures: { ...signatures, provider: signature },
      approvedAt,
    });
  }

  async #pending(agreementId: string): Promise<AgreementRecord> {
    const record = await this.#components.store.get(agreementBucket, agreementId);
    if (record?.role !== 'provider') throw notFound(agreementId);
    return record;
  }

  /** What is free has changed: the offers may have to go. */
  #refreshOffers(): void {
    const { own, logger } = this.#components;
    own.refresh().catch((err: unknown) => logger.error({ err }, 'offers not refreshed'));
  }
}

/** What was answered before still holds; only a rejected id may be used for another try. */
function stands(known: AgreementRecord, digest: string, sender: Sender): boolean {
  const isParty = known.role === 'provider' && known.agreement.requestor === sender.address;
  if (isParty && known.digest === digest) return true;
  if (isParty && known.state === 'Rejected') return false;
  const { agreementId } = known.agreement;
  throw new MarketError('ERR_MARKET_AGREEMENT_CONFLICT', `There is another agreement ${agreementId}`, {
    agreementId,
  });
}

function answerOf({ state, signatures, approvedAt, reason, termination }: AgreementRecord): AgreementAnswer {
  const signature = signatures.provider;
  if (state === 'Proposal' || state === 'Pending') return { state: 'Pending' };
  if (signature === undefined || approvedAt === undefined) {
    return { state: 'Rejected', reason: reason ?? { code: state, message: `The agreement is ${state}` } };
  }
  return termination === undefined
    ? { state: 'Approved', signature, approvedAt }
    : { state: 'Terminated', signature, approvedAt, termination };
}

function tooLate({ agreement }: AgreementRecord): MarketError {
  const { agreementId, approveBy } = agreement;
  return new MarketError('ERR_MARKET_AGREEMENT_STATE', `Agreement ${agreementId} had to be approved before`, {
    agreementId,
    approveBy,
  });
}
