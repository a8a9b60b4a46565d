import { Type, type Static } from 'typebox';
import {
  Address,
  BlobHash,
  Bytes,
  Demand,
  Id,
  Offer,
  PlatformName,
  Properties,
  Constraints,
  Timestamp,
  type Bucket,
} from '../../../interface/index.ts';
import { checker } from '../../../util/check.ts';

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
    proposalId: Type.Optional(Id),
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

/** What a client knows of an allocation beyond the allocation itself. */
export const AllocationNote = Type.Object(
  {
    allocationId: Id,
    platform: PlatformName,
    timestamp: Timestamp,
    timeout: Type.Optional(Timestamp),
    makeDeposit: Type.Boolean(),
  },
  closed,
);
export type AllocationNote = Static<typeof AllocationNote>;
export const allocationNoteBucket: Bucket<AllocationNote> = {
  name: 'yagna-allocations',
  check: checker(AllocationNote, 'allocation of a client'),
};

/** An event of agreements, debit notes or invoices under its cursor, microseconds since the epoch. */
export const ClientEvent = Type.Object(
  {
    micros: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    kind: Type.Union([
      Type.Literal('agreement'),
      Type.Literal('debitNote'),
      Type.Literal('invoice'),
      Type.Literal('activity'),
    ]),
    appSessionId: Type.Optional(Type.String({ maxLength: 256 })),
    body: Type.Record(Type.String({ maxLength: 64 }), Type.Unknown()),
  },
  closed,
);
export type ClientEvent = Static<typeof ClientEvent>;
export const clientEventBucket: Bucket<ClientEvent> = {
  name: 'yagna-events',
  check: checker(ClientEvent, 'event for clients'),
  indexes: {
    kind: (event) => [event.kind],
    session: (event) => (event.appSessionId === undefined ? [] : [`${event.kind} ${event.appSessionId}`]),
  },
};
/** Keys in the order of the cursors. */
export const clientEventKey = (micros: number): string => String(micros).padStart(17, '0');

/** How far the store's events have been turned into clients' events; one record. */
const Position = Type.Object({ seq: Bytes, micros: Bytes }, closed);
export const positionBucket: Bucket<Static<typeof Position>> = {
  name: 'yagna-position',
  check: checker(Position, 'position of the event recorder'),
};

/** Packages by the SHA-3 that clients name them by. */
const KnownPackage = Type.Object({ hash: BlobHash, sizeBytes: Bytes }, closed);
export const knownPackageBucket: Bucket<Static<typeof KnownPackage>> = {
  name: 'yagna-packages',
  check: checker(KnownPackage, 'package by SHA-3'),
};

/** SHA-3 of blobs, by `<blob>:<hex digits>`: computing it reads the whole file. */
const Sha3 = Type.Object({ sha3: Type.String({ pattern: '^[0-9a-f]{56,128}$' }) }, closed);
export const sha3Bucket: Bucket<Static<typeof Sha3>> = {
  name: 'yagna-sha3',
  check: checker(Sha3, 'SHA-3 of a blob'),
};

/** A transfer out of an activity to where the client said. */
const Delivery = Type.Object(
  {
    index: Type.Integer({ minimum: 0, maximum: 255 }),
    url: Text,
    done: Type.Boolean(),
    error: Type.Optional(Text),
  },
  closed,
);
export type Delivery = Static<typeof Delivery>;

/** A client's batch, and what this node has to do for it besides handing it over. */
export const BatchNote = Type.Object(
  {
    activityId: Id,
    batchId: Id,
    commands: Type.Array(Type.Record(Type.String({ maxLength: 64 }), Type.Unknown()), { maxItems: 256 }),
    state: Type.Union([Type.Literal('Preparing'), Type.Literal('Handed'), Type.Literal('Done')]),
    /** The batch was handed over only up to this command, which could not be prepared. */
    cut: Type.Optional(
      Type.Object({ index: Type.Integer({ minimum: 0 }), message: Text, at: Timestamp }, closed),
    ),
    deliveries: Type.Array(Delivery, { maxItems: 256 }),
    /** Where the activity's logs stood when the batch was handed over. */
    starts: Type.Object({ stdout: Bytes, stderr: Bytes }, closed),
    createdAt: Timestamp,
  },
  closed,
);
export type BatchNote = Static<typeof BatchNote>;
export const batchNoteBucket: Bucket<BatchNote> = {
  name: 'yagna-batches',
  check: checker(BatchNote, 'batch of a client'),
  indexes: {
    activity: (note) => [note.activityId],
    open: (note) => (note.state === 'Done' ? [] : ['yes']),
  },
};
export const batchNoteKey = (activityId: string, batchId: string): string => `${activityId}/${batchId}`;

/** Whether a text can be an id of this node: what cannot need not be looked up. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}
