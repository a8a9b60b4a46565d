import type { Demand, Offer } from '../../interface/market.ts';
import type { RequestHandler, Sender } from '../../interface/network.ts';
import type { JsonValue } from '../../interface/store.ts';
import type { Properties, Reason } from '../../interface/values.ts';
import { canonicalJson } from '../../util/canonical-json.ts';
import type { MarketComponents } from '../components.ts';
import { MarketError } from '../errors.ts';
import type { OwnOffers } from '../offers/own-offers.ts';
import { checkById, checkProposalMessage, type ProposalAnswer, type ProposalMessage } from '../wire.ts';
import { manual } from './manual.ts';
import { negotiate, type NegotiationContext, type Negotiator, type Verdict } from './negotiator.ts';
import { proposalBucket, type ProposalRecord } from './proposal-record.ts';

/** How much a requestor may negotiate with this node. */
export interface ProposalLimits {
  readonly proposalLifetimeMs: number;
  readonly maxRounds: number;
  /** Unexpired proposals of one peer. */
  readonly maxOpenPerPeer: number;
}

/** What a person or a REST client says to a pending proposal. */
export type Decision =
  | { readonly type: 'accept'; readonly properties?: Properties }
  | { readonly type: 'reject'; readonly reason: Reason };

type Components = Pick<MarketComponents, 'store' | 'clock' | 'newId'> & {
  readonly own: OwnOffers;
  readonly negotiators: readonly Negotiator[];
  readonly context: () => Promise<NegotiationContext>;
};

/** The provider's answers to proposals; each is kept, so that a repeated question gets the same one. */
export class ProviderProposals {
  readonly #limits: ProposalLimits;
  readonly #components: Components;

  constructor(limits: ProposalLimits, components: Components) {
    this.#limits = limits;
    this.#components = components;
  }

  sendRequest(): RequestHandler<ProposalMessage> {
    return { check: checkProposalMessage, handle: async (message, sender) => this.#receive(message, sender) };
  }

  getRequest(): RequestHandler<{ id: string }> {
    return {
      check: checkById,
      handle: async ({ id }, sender): Promise<JsonValue> => {
        const record = await this.#components.store.get(proposalBucket, id);
        if (record?.role !== 'provider' || record.address !== sender.address) throw notFound(id);
        return record.answer;
      },
    };
  }

  /**
   * Answers a pending proposal. Idempotent: a decision that was made stands. Whoever decides has the last word, not the
   * only one: what this node's policy does not allow by now is refused all the same.
   */
  async decide(proposalId: string, decision: Decision): Promise<ProposalRecord> {
    const { store } = this.#components;
    const record = await store.get(proposalBucket, proposalId);
    if (record?.role !== 'provider') throw notFound(proposalId);
    if (record.answer.type !== 'pending') return record;
    const offer = await this.#offer(record.offerId);
    const answer: ProposalAnswer =
      decision.type === 'reject'
        ? { type: 'rejected', reason: decision.reason }
        : await this.#grant(record, offer, decision.properties);
    return store.transact(async (tx) => {
      const current = await tx.get(proposalBucket, proposalId);
      if (current === undefined) throw notFound(proposalId);
      if (current.answer.type !== 'pending') return current;
      const next = { ...current, answer };
      tx.put(proposalBucket, proposalId, next);
      tx.emit({
        type: 'proposal.answered',
        subject: proposalId,
        data: { role: 'provider', answer: answer.type },
      });
      return next;
    });
  }

  async #receive(message: ProposalMessage, sender: Sender): Promise<ProposalAnswer> {
    const { store } = this.#components;
    const { demand, proposalId } = message;
    if (demand.requestor !== sender.address || demand.peerId !== sender.peerId) {
      throw new MarketError(
        'ERR_MARKET_NOT_A_PARTY',
        `The demand is ${demand.requestor}'s, the sender is ${sender.address}`,
        { proposalId },
      );
    }
    const known = await store.get(proposalBucket, proposalId);
    if (known !== undefined) return sameAnswer(known, message);
    const offer = await this.#offer(message.offerId);
    const round = await this.#round(message, sender);
    await this.#checkRoom(sender);
    const answer = await this.#answer(message, offer);
    return this.#keep(message, sender, round, answer);
  }

  async #offer(offerId: string): Promise<Offer> {
    const offer = await this.#components.own.find(offerId);
    if (offer === undefined)
      throw new MarketError('ERR_MARKET_OFFER_NOT_FOUND', `Offer ${offerId} is not on offer here`, {
        offerId,
      });
    return offer;
  }

  async #round({ prevProposalId, proposalId }: ProposalMessage, sender: Sender): Promise<number> {
    if (prevProposalId === undefined) return 1;
    const found = await this.#components.store.list(proposalBucket, {
      where: { index: 'counter', equals: prevProposalId },
    });
    const previous = found.find(({ value }) => value.role === 'provider' && value.address === sender.address);
    if (previous === undefined) throw notFound(prevProposalId);
    const round = previous.value.round + 1;
    if (round <= this.#limits.maxRounds) return round;
    throw new MarketError(
      'ERR_MARKET_PROPOSAL_INVALID',
      `A negotiation has ${this.#limits.maxRounds} rounds at most`,
      { proposalId, round },
    );
  }

  async #checkRoom(sender: Sender): Promise<void> {
    const { maxOpenPerPeer } = this.#limits;
    const where = { index: 'peer', equals: sender.peerId };
    const open = await this.#components.store.count(proposalBucket, where, maxOpenPerPeer);
    if (open < maxOpenPerPeer) return;
    throw new MarketError('ERR_MARKET_BUSY', `${open} proposals of ${sender.address} are open here`, {
      maxOpenPerPeer,
    });
  }

  async #grant(
    { demand, expiresAt }: ProposalRecord,
    offer: Offer,
    given: Properties = {},
  ): Promise<ProposalAnswer> {
    const verdict = await this.#judge(offer, demand);
    if (verdict.type === 'reject') return { type: 'rejected', reason: verdict.reason };
    const adjusted = verdict.type === 'accept' ? given : { ...verdict.properties, ...given };
    return this.#counter(offer, Object.keys(adjusted).length === 0 ? undefined : adjusted, expiresAt);
  }

  async #judge(offer: Offer, demand: Demand): Promise<Verdict> {
    const { negotiators, context, own } = this.#components;
    const isByHand = (await own.byHand(offer.offerId)) !== undefined;
    const chain = isByHand ? [...negotiators, manual] : negotiators;
    return negotiate('offer', chain, { offer, demand }, await context());
  }

  async #answer({ demand }: ProposalMessage, offer: Offer): Promise<ProposalAnswer> {
    const { clock } = this.#components;
    const verdict = await this.#judge(offer, demand);
    if (verdict.type === 'reject') return { type: 'rejected', reason: verdict.reason };
    if (verdict.type === 'pending') return { type: 'pending' };
    const properties = verdict.type === 'adjust' ? verdict.properties : undefined;
    return this.#counter(offer, properties, clock.now() + this.#limits.proposalLifetimeMs);
  }

  async #counter(offer: Offer, adjusted: Properties | undefined, expiresAt: number): Promise<ProposalAnswer> {
    const { newId, own } = this.#components;
    const countered =
      adjusted === undefined
        ? offer
        : await own.signFor(offer, { ...offer.properties, ...adjusted }, expiresAt);
    return { type: 'counter', proposalId: newId(), offer: countered };
  }

  async #keep(
    message: ProposalMessage,
    sender: Sender,
    round: number,
    answer: ProposalAnswer,
  ): Promise<ProposalAnswer> {
    const { store, clock } = this.#components;
    const createdAt = clock.now();
    const record: ProposalRecord = {
      ...message,
      role: 'provider',
      peerId: sender.peerId,
      address: sender.address,
      round,
      answer,
      createdAt,
      expiresAt: createdAt + this.#limits.proposalLifetimeMs,
    };
    return store.transact(async (tx) => {
      // The same proposal may have come in twice at once: one answer stands.
      const known = await tx.get(proposalBucket, record.proposalId);
      if (known !== undefined) return sameAnswer(known, message);
      tx.put(proposalBucket, record.proposalId, record);
      // Only what someone has to decide is news: strangers must not fill the event log by asking.
      if (answer.type === 'pending') {
        tx.emit({
          type: 'proposal.received',
          subject: record.proposalId,
          data: { role: 'provider', ...sender },
        });
      }
      return answer;
    });
  }
}

function sameAnswer(known: ProposalRecord, { demand, offerId, proposalId }: ProposalMessage): ProposalAnswer {
  if (
    known.role === 'provider' &&
    known.offerId === offerId &&
    canonicalJson(known.demand) === canonicalJson(demand)
  )
    return known.answer;
  throw new MarketError(
    'ERR_MARKET_PROPOSAL_INVALID',
    `Proposal ${proposalId} was made before, with another content`,
    { proposalId },
  );
}

function notFound(proposalId: string): MarketError {
  return new MarketError('ERR_MARKET_PROPOSAL_NOT_FOUND', `There is no proposal ${proposalId}`, {
    proposalId,
  });
}
