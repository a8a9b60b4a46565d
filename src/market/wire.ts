import { Type, type Static } from 'typebox';
import { Agreement, Demand, Offer, Termination } from '../interface/market.ts';
import type { RequestHandler } from '../interface/network.ts';
import { Id, Reason, Signature, Timestamp } from '../interface/values.ts';
import { checker } from '../util/check.ts';

const closed = { additionalProperties: false } as const;

export const MARKET_PROTOCOL = '/ergon/market/1';
/** Gossip of signed offers; a withdrawn one comes once more, marked so. */
export const OFFERS_TOPIC = '/ergon/offers/1';

export const KINDS = {
  listOffers: 'offers.list',
  sendProposal: 'proposal.send',
  getProposal: 'proposal.get',
  rejectProposal: 'proposal.reject',
  proposeAgreement: 'agreement.propose',
  getAgreement: 'agreement.get',
  terminateAgreement: 'agreement.terminate',
} as const;

/** More than this is not handed over in one answer. */
export const MAX_OFFERS_HANDED_OVER = 64;
export const Offers = Type.Object(
  { offers: Type.Array(Offer, { maxItems: MAX_OFFERS_HANDED_OVER }) },
  closed,
);

export const ProposalMessage = Type.Object(
  { proposalId: Id, prevProposalId: Type.Optional(Id), offerId: Id, demand: Demand },
  closed,
);
export type ProposalMessage = Static<typeof ProposalMessage>;

export const ProposalAnswer = Type.Union([
  /** The offer that an agreement may now be made of: the one announced, or one signed for this demand. */
  Type.Object({ type: Type.Literal('counter'), proposalId: Id, offer: Offer }, closed),
  Type.Object({ type: Type.Literal('rejected'), reason: Reason }, closed),
  /** A person decides: ask again with `proposal.get`. */
  Type.Object({ type: Type.Literal('pending') }, closed),
]);
export type ProposalAnswer = Static<typeof ProposalAnswer>;

/** The requestor does not go on from this counter-proposal of the receiver's. */
export const RejectionMessage = Type.Object({ proposalId: Id, reason: Reason }, closed);
export type RejectionMessage = Static<typeof RejectionMessage>;

export const AgreementProposal = Type.Object({ agreement: Agreement, signature: Signature }, closed);
export type AgreementProposal = Static<typeof AgreementProposal>;

export const AgreementAnswer = Type.Union([
  /** There is none, or none that the asking party is in: the two are not told apart. */
  Type.Object({ state: Type.Literal('Unknown') }, closed),
  Type.Object({ state: Type.Literal('Pending') }, closed),
  Type.Object({ state: Type.Literal('Approved'), signature: Signature, approvedAt: Timestamp }, closed),
  Type.Object({ state: Type.Literal('Rejected'), reason: Reason }, closed),
  Type.Object(
    {
      state: Type.Literal('Terminated'),
      signature: Signature,
      approvedAt: Timestamp,
      termination: Termination,
    },
    closed,
  ),
]);
export type AgreementAnswer = Static<typeof AgreementAnswer>;

/** `signature`: the sender's of the agreement itself, for a party that has not heard of the approval yet. */
export const TerminationMessage = Type.Object(
  { termination: Termination, signature: Type.Optional(Signature) },
  closed,
);
export type TerminationMessage = Static<typeof TerminationMessage>;

const ById = Type.Object({ id: Id }, closed);

export const checkOffer = checker(Offer, 'offer');
export const checkOffers = checker(Offers, 'list of offers');
export const checkProposalMessage = checker(ProposalMessage, 'proposal');
export const checkProposalAnswer = checker(ProposalAnswer, 'answer to a proposal');
export const checkRejectionMessage = checker(RejectionMessage, 'rejection of a proposal');
export const checkAgreementProposal = checker(AgreementProposal, 'agreement proposal');
export const checkAgreementAnswer = checker(AgreementAnswer, 'answer to an agreement');
export const checkTerminationMessage = checker(TerminationMessage, 'termination');
export const checkById = checker(ById, 'request by id');
export const checkNothing = checker(Type.Object({}, closed), 'empty request');

/** As a protocol lists it: the network gives `handle` only what `check` has returned, which no type can say of a list. */
export function served<Req>(handler: RequestHandler<Req>): RequestHandler<never> {
  return handler as unknown as RequestHandler<never>;
}
