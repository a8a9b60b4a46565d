import type { AgreementRecord, Agreements, Offer } from '../interface/market.ts';
import type { Startable } from '../interface/startable.ts';
import type { Properties, Reason } from '../interface/values.ts';
import type { Explanation } from './agreements/candidates.ts';
import type { AgreementDraft } from './agreements/requestor.ts';
import type { AgreementVerification } from './agreements/verify.ts';
import type { ProviderPolicy } from './negotiation/chains.ts';
import type { ProposalRecord } from './negotiation/proposal-record.ts';
import type { Decision } from './negotiation/provider-proposals.ts';
import type { ProposalRequest } from './negotiation/requestor-proposals.ts';
import type { OfferDraft } from './offers/build-offer.ts';

/** What is on offer, here and elsewhere. */
export interface Offers {
  /** Others' offers that are known, verified and unexpired. */
  known(): Offer[];
  get(offerId: string): Offer | undefined;
  /** Those of this node that are on the market now. */
  own(): Promise<Offer[]>;
  /** From now on these are on offer, by name, and nothing else. */
  publish(drafts: Readonly<Record<string, OfferDraft>>): Promise<Offer[]>;
  /** Takes the named offers, or all, from the market. */
  withdraw(names?: readonly string[]): Promise<void>;
  /** Beside those that are published: whoever made it decides on each proposal and agreement (`decide`, `approve`, `reject`). */
  offerByHand(hand: string, draft: OfferDraft): Promise<void>;
  /** Takes it from the market; agreements that were made of it go on. */
  takeBack(hand: string): Promise<void>;
  /** An own offer that was published by hand, or made of one in a negotiation, with the id that it was published under. */
  byHand(offerId: string): Promise<{ readonly hand: string; readonly offer: Offer } | undefined>;
  /** Brings the offers in line with what is free; called by the market itself when its agreements change. */
  refresh(): Promise<void>;
  /** For each known offer whether it matches, and if not, the terms that are not met. */
  explain(demand: { properties: Properties; constraints: string }): Explanation[];
  /** Called after each change of what is known; returns how to stop. */
  onChanged(listener: () => void): () => void;
}

/** Negotiation by hand, for a REST client on either side. */
export interface Proposals {
  /** Requestor: one proposal, one answer. */
  send(request: ProposalRequest, signal: AbortSignal): Promise<ProposalRecord>;
  /** Requestor: asks again for the answer to a pending one. */
  poll(proposalId: string, offer: Offer, signal: AbortSignal): Promise<ProposalRecord>;
  /** Provider, of an offer by hand or with `policy.manual`: answers a pending proposal. */
  decide(proposalId: string, decision: Decision): Promise<ProposalRecord>;
  /** Requestor: does not go on from what the provider answered to this proposal, and tells it so. Idempotent. */
  reject(proposalId: string, reason: Reason): Promise<void>;
}

/** Offers, negotiations and agreements of this node, in both roles. */
export interface Market extends Agreements, Startable {
  readonly offers: Offers;
  readonly proposals: Proposals;
  /** Requestor, by hand: makes an agreement in state Proposal. */
  create(draft: AgreementDraft): Promise<AgreementRecord>;
  /** Requestor, by hand: signs and sends it, and waits for the provider. */
  confirm(agreementId: string, signal: AbortSignal): Promise<AgreementRecord>;
  /** Provider, of an offer by hand or with `policy.manual`. */
  approve(agreementId: string): Promise<AgreementRecord>;
  /** Provider, of the same kinds of offers: refuses it with a reason. */
  reject(agreementId: string, reason: Reason): Promise<AgreementRecord>;
  /** Provider: from now on new proposals and agreements are judged by this; what was agreed on stands. */
  changePolicy(part: Partial<ProviderPolicy>): void;
  /** Verifies every signature of a record at rest again. Says what does not hold; does not throw. */
  verify(record: AgreementRecord): AgreementVerification;
}
