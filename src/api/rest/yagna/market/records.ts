import { Type, type Static } from 'typebox';
import {
  Address,
  Constraints,
  Demand,
  Id,
  Offer,
  PlatformName,
  Properties,
  Timestamp,
  type Bucket,
} from '../../../../interface/index.ts';
import { checker } from '../../../../util/check.ts';

const closed = { additionalProperties: false } as const;
const Text = Type.String({ maxLength: 4096 });

/** A demand or an offer as its client wrote it, since clients read it back. */
export const ClientDemand = Type.Object(
  { properties: Type.Record(Type.String(), Type.Unknown()), constraints: Constraints },
  closed,
);
export type ClientDemand = Static<typeof ClientDemand>;

/** A demand that a client has published. */
export const DemandRecord = Type.Object(
  {
    demandId: Id,
    client: ClientDemand,
    /** What the client wrote, translated into this node's properties and constraints. */
    properties: Properties,
    constraints: Constraints,
    createdAt: Timestamp,
    expiresAt: Timestamp,
    closedAt: Type.Optional(Timestamp),
  },
  closed,
);
export type DemandRecord = Static<typeof DemandRecord>;
export const demandBucket: Bucket<DemandRecord> = {
  name: 'yagna-demands',
  check: checker(DemandRecord, 'demand of a client'),
  indexes: { open: (demand) => (demand.closedAt === undefined ? ['yes'] : []) },
};

/** One proposal as a client knows it. */
export const ProposalRecord = Type.Object(
  {
    proposalId: Id,
    demandId: Id,
    /** Initial: an offer of the market. Counter: the client's answer. Draft: the provider's answer to that. */
    kind: Type.Union([Type.Literal('Initial'), Type.Literal('Counter'), Type.Literal('Draft')]),
    state: Type.Union([Type.Literal('Open'), Type.Literal('Rejected'), Type.Literal('Accepted')]),
    /** The offer that an agreement may be made of. */
    offer: Offer,
    /** The one on the market that all this began with. */
    marketOfferId: Id,
    /** Counter and Draft: the demand that the provider has seen. */
    demand: Type.Optional(Demand),
    client: Type.Optional(ClientDemand),
    prevProposalId: Type.Optional(Id),
    /** Draft: the provider's own id of it. */
    providerProposalId: Type.Optional(Id),
    createdAt: Timestamp,
    expiresAt: Timestamp,
  },
  closed,
);
export type ProposalRecord = Static<typeof ProposalRecord>;
export const proposalBucket: Bucket<ProposalRecord> = {
  name: 'yagna-proposals',
  check: checker(ProposalRecord, 'proposal of a client'),
  indexes: { demand: (proposal) => [proposal.demandId] },
};

/** What a client has still to be told of its demand; deleted when it was. By a time-sortable id. */
export const DemandEvent = Type.Object(
  { demandId: Id, proposalId: Id, at: Timestamp, rejection: Type.Optional(Text) },
  closed,
);
export type DemandEvent = Static<typeof DemandEvent>;
export const demandEventBucket: Bucket<DemandEvent> = {
  name: 'yagna-demand-events',
  check: checker(DemandEvent, 'event of a demand'),
  indexes: { demand: (event) => [event.demandId] },
};

/** An offer that a client has published by hand. */
export const HandOffer = Type.Object(
  { subscriptionId: Id, client: ClientDemand, createdAt: Timestamp, closedAt: Type.Optional(Timestamp) },
  closed,
);
export type HandOffer = Static<typeof HandOffer>;
export const handOfferBucket: Bucket<HandOffer> = {
  name: 'yagna-offers',
  check: checker(HandOffer, 'offer of a client'),
  indexes: { open: (offer) => (offer.closedAt === undefined ? ['yes'] : []) },
};

/** What a client has still to be told of its offer: of a proposal, or of an agreement. By a time-sortable id. */
export const OfferEvent = Type.Object(
  {
    subscriptionId: Id,
    /** A requestor's proposal; with `rejection`, the client's own, which is no more. */
    proposalId: Type.Optional(Id),
    rejection: Type.Optional(Text),
    agreementId: Type.Optional(Id),
    at: Timestamp,
  },
  closed,
);
export type OfferEvent = Static<typeof OfferEvent>;
export const offerEventBucket: Bucket<OfferEvent> = {
  name: 'yagna-offer-events',
  check: checker(OfferEvent, 'event of an offer'),
  indexes: { offer: (event) => [event.subscriptionId] },
};

/** The session of a client that has approved an agreement as its provider. */
const ApprovalNote = Type.Object({ appSessionId: Type.String({ maxLength: 256 }) }, closed);
export const approvalNoteBucket: Bucket<Static<typeof ApprovalNote>> = {
  name: 'yagna-approvals',
  check: checker(ApprovalNote, 'approval of a client'),
  indexes: { session: (note) => [note.appSessionId] },
};

/** What a client knows of an agreement beyond the agreement itself. */
export const AgreementNote = Type.Object(
  {
    agreementId: Id,
    demandId: Id,
    proposalId: Id,
    marketOfferId: Id,
    provider: Address,
    client: ClientDemand,
    /** The payment platform, by the client's name for it. */
    platform: Type.Optional(PlatformName),
    validTo: Timestamp,
    appSessionId: Type.Optional(Type.String({ maxLength: 256 })),
    createdAt: Timestamp,
  },
  closed,
);
export type AgreementNote = Static<typeof AgreementNote>;
export const agreementNoteBucket: Bucket<AgreementNote> = {
  name: 'yagna-agreements',
  check: checker(AgreementNote, 'agreement of a client'),
  indexes: {
    session: (note) => (note.appSessionId === undefined ? [] : [note.appSessionId]),
    provider: (note) => [note.provider],
  },
};
