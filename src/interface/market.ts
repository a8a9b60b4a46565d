import { Type, type Static } from 'typebox';
import {
  Address,
  Amount,
  Bytes,
  Constraints,
  CounterName,
  Digest,
  DurationMs,
  Id,
  Multiaddr,
  PeerId,
  PlatformName,
  Properties,
  Reason,
  RuntimeName,
  Signature,
  Timestamp,
} from './values.ts';

const closed = { additionalProperties: false } as const;

/** What a provider sells, signed by its key and valid until `expiresAt`. */
export const Offer = Type.Object(
  {
    offerId: Id,
    provider: Address,
    peerId: PeerId,
    multiaddrs: Type.Array(Multiaddr, { maxItems: 16 }),
    properties: Properties,
    constraints: Constraints,
    createdAt: Timestamp,
    expiresAt: Timestamp,
    signature: Signature,
  },
  closed,
);
export type Offer = Static<typeof Offer>;

/** What a requestor asks for. It is covered by the agreement's signatures. */
export const Demand = Type.Object(
  {
    demandId: Id,
    requestor: Address,
    peerId: PeerId,
    properties: Properties,
    constraints: Constraints,
    createdAt: Timestamp,
    expiresAt: Timestamp,
  },
  closed,
);
export type Demand = Static<typeof Demand>;

/** Linear price: `startPrice + Σ coefficients[i] × usage[counters[i]]`. */
export const Pricing = Type.Object(
  {
    model: Type.Literal('linear'),
    /** Payment platform, `ledger` for the embedded driver. */
    platform: PlatformName,
    counters: Type.Array(CounterName, { maxItems: 32 }),
    /** Smallest units per unit of the counter, in the order of `counters`. */
    coefficients: Type.Array(Amount, { maxItems: 32 }),
    startPrice: Amount,
    /** Usage counts from the deployment on; without it, from the start of what was deployed. */
    deploymentBilled: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type Pricing = Static<typeof Pricing>;

/** What an activity may take of the provider's machine at the most; the agreement grants it. */
export const Resources = Type.Object(
  { cpuThreads: Type.Integer({ minimum: 1, maximum: 4096 }), memoryBytes: Bytes, storageBytes: Bytes },
  closed,
);
export type Resources = Static<typeof Resources>;

/** What both sides agreed on, derived from offer and demand by one function that each side runs itself. */
export const Terms = Type.Object(
  {
    runtime: RuntimeName,
    resources: Resources,
    /** The activities may use the network that the provider has named. */
    network: Type.Optional(Type.Literal(true)),
    pricing: Pricing,
    debitNoteIntervalMs: DurationMs,
    debitNoteAcceptTimeoutMs: DurationMs,
    paymentTimeoutMs: DurationMs,
    /** The provider ends an agreement without a live activity after this long. */
    idleTimeoutMs: DurationMs,
    /** stdout and stderr of an activity are kept up to this many bytes each. */
    maxOutputBytes: Bytes,
  },
  closed,
);
export type Terms = Static<typeof Terms>;

/** The contract; both parties sign the same EIP-712 digest of it. */
export const Agreement = Type.Object(
  {
    agreementId: Id,
    requestor: Address,
    provider: Address,
    offer: Offer,
    demand: Demand,
    terms: Terms,
    createdAt: Timestamp,
    /** The provider may sign until then. */
    approveBy: Timestamp,
    /** Activities end by then. */
    expiresAt: Timestamp,
  },
  closed,
);
export type Agreement = Static<typeof Agreement>;

/** On which side of an agreement a node is: who buys, or who sells. */
export const Role = Type.Union([Type.Literal('requestor'), Type.Literal('provider')]);
export type Role = Static<typeof Role>;

/** One party's signed word that it ends the agreement, and why; the other party keeps it as well. */
export const Termination = Type.Object(
  { agreementId: Id, by: Role, reason: Reason, at: Timestamp, signature: Signature },
  closed,
);
export type Termination = Static<typeof Termination>;

/** `Proposal`: made, not sent. `Pending`: sent, not answered. All but these and `Approved` are final; src/market/agreements/machine.ts draws them. */
export const AgreementState = Type.Union(
  (['Proposal', 'Pending', 'Approved', 'Terminated', 'Rejected', 'Cancelled', 'Expired'] as const).map((s) =>
    Type.Literal(s),
  ),
);
export type AgreementState =
  'Proposal' | 'Pending' | 'Approved' | 'Terminated' | 'Rejected' | 'Cancelled' | 'Expired';

/** An agreement as one party's books hold it. */
export const AgreementRecord = Type.Object(
  {
    agreement: Agreement,
    /** This node's role. */
    role: Role,
    state: AgreementState,
    digest: Digest,
    signatures: Type.Object(
      { requestor: Type.Optional(Signature), provider: Type.Optional(Signature) },
      closed,
    ),
    stateChangedAt: Timestamp,
    approvedAt: Type.Optional(Timestamp),
    /** Why it was rejected, cancelled or expired. */
    reason: Type.Optional(Reason),
    termination: Type.Optional(Termination),
    history: Type.Optional(
      Type.Array(Type.Object({ state: AgreementState, at: Timestamp }, closed), { maxItems: 16 }),
    ),
  },
  closed,
);
export type AgreementRecord = Omit<Static<typeof AgreementRecord>, 'state' | 'history'> & {
  state: AgreementState;
  history?: { state: AgreementState; at: number }[];
};

/** A requestor's wish for one agreement. */
export interface AgreementRequest {
  readonly agreementId: string;
  readonly properties: Properties;
  readonly constraints: string;
  readonly expiresAt: number;
  /** Only this offer; else the best that matches (lowest estimated price first). */
  readonly offerId?: string;
  /** Providers not to ask (addresses). */
  readonly excludeProviders?: readonly string[];
  /** Counter → billionths of its unit: what the work is expected to use, for comparing prices. */
  readonly expectedUsage?: Readonly<Record<string, string>>;
  /** The most that the expected usage may cost, in smallest units; without `expectedUsage`, the most a start may cost. */
  readonly maxPrice?: string;
  /** How long to wait for an offer that matches. */
  readonly waitMs?: number;
}

/** Agreements with other nodes, whichever side this node is on. */
export interface Agreements {
  /** Undefined when there is none of this id in this node's books. */
  get(agreementId: string): Promise<AgreementRecord | undefined>;
  /** Requestor: finds, negotiates and signs. Idempotent by agreementId; throws MarketError when nobody agrees. */
  request(request: AgreementRequest, signal: AbortSignal): Promise<AgreementRecord>;
  /**
   * Either party: ends an approved agreement with a signed reason, cancels one that is not approved yet. Idempotent.
   * @throws MarketError ERR_MARKET_AGREEMENT_NOT_FOUND
   */
  terminate(agreementId: string, reason: Reason): Promise<AgreementRecord>;
}
