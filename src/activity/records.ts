import { Type, type Static } from 'typebox';
import {
  ActivityRecord,
  Address,
  Batch,
  BlobHash,
  Bytes,
  DurationMs,
  ExeUnitSpec,
  Holds,
  Id,
  PeerId,
  Reason,
  Resources,
  Timestamp,
  TransferUrl,
  UsageSample,
  type Bucket,
} from '../interface/index.ts';
import { checker } from '../util/check.ts';
import { isFinal } from './machine.ts';
import { ActivityUpdate } from './updates.ts';

const closed = { additionalProperties: false } as const;

/** Both parties' activities, by activityId. */
export const activities: Bucket<ActivityRecord> = {
  name: 'activities',
  check: checker(ActivityRecord, 'activity record'),
  indexes: {
    agreementId: (record) => [record.agreementId],
    role: (record) => [record.role],
    /** The role of an activity that has not ended. */
    live: (record) => (isFinal(record.state) ? [] : [record.role]),
  },
};

/** Scripts and their results, by `activityId/batchId`. */
export const batches: Bucket<Batch> = {
  name: 'batches',
  check: checker(Batch, 'batch'),
  indexes: {
    activityId: (batch) => [batch.activityId],
    /** Blobs that transfers to `blob:` made. */
    output: (batch) => [...new Set(batch.results.flatMap((result) => result.blob?.hash ?? []))],
  },
};

/** The id of a batch's record: the client's batch ids are unique only within their activity. */
export const batchKey = (activityId: string, batchId: string): string => `${activityId}/${batchId}`;

const StoredSample = Type.Object({ activityId: Id, sample: UsageSample }, closed);
export type StoredSample = Static<typeof StoredSample>;

/** Every usage sample of every activity, by `activityId/sequence`, so that they list in order: bills cite them. */
export const usageSamples: Bucket<StoredSample> = {
  name: 'usage-samples',
  check: checker(StoredSample, 'usage sample'),
  indexes: { activityId: (stored) => [stored.activityId] },
};

/** Digits that keep a number's order in a key. */
const ordered = (value: number): string => String(value).padStart(12, '0');
/** The id of a sample's record; ids sort by sequence. */
export const usageSampleKey = (activityId: string, sequence: number): string =>
  `${activityId}/${ordered(sequence)}`;

const StoredUpdate = Type.Object({ activityId: Id, update: ActivityUpdate }, closed);
export type StoredUpdate = Static<typeof StoredUpdate>;

/** Provider: what the requestor is told of its activity, by `activityId/seq`. */
export const activityUpdates: Bucket<StoredUpdate> = {
  name: 'activity-updates',
  check: checker(StoredUpdate, 'activity update'),
  indexes: { activityId: (stored) => [stored.activityId] },
};

export const updateKey = (activityId: string, seq: number): string => `${activityId}/${ordered(seq)}`;

const EndIntent = Type.Object(
  {
    state: Type.Union([Type.Literal('Completed'), Type.Literal('Terminated')]),
    reason: Type.Optional(Reason),
  },
  closed,
);
export type EndIntent = Static<typeof EndIntent>;

const command = { batchId: Id, index: Type.Integer({ minimum: 0, maximum: 255 }) };
const BlobNeed = Type.Object({ ...command, hash: BlobHash }, closed);
export type BlobNeed = Static<typeof BlobNeed>;
const FetchNeed = Type.Object({ ...command, url: TransferUrl, maxBytes: Bytes }, closed);
export type FetchNeed = Static<typeof FetchNeed>;
const DeliverNeed = Type.Object({ ...command, url: TransferUrl, hash: BlobHash, sizeBytes: Bytes }, closed);
export type DeliverNeed = Static<typeof DeliverNeed>;
/** What a command waits for: a blob of the requestor's, a file from a URL, an output to be at one. */
const Need = Type.Union([BlobNeed, FetchNeed, DeliverNeed]);
export type Need = BlobNeed | FetchNeed | DeliverNeed;

/** A blob is brought once, whoever asks; the others belong to one command each. */
export const needKey = (need: Need): string => ('url' in need ? `${need.batchId}/${need.index}` : need.hash);

const Supervision = Type.Object(
  {
    activityId: Id,
    spec: ExeUnitSpec,
    /** Batches that have not finished: at most one, the lock of `exec`. */
    openBatches: Type.Array(Id, { maxItems: 1 }),
    /** A command has failed, so a requested end is no `Completed` any more. */
    failed: Type.Boolean(),
    /** The end that is wanted; the supervisor has the last word on what it becomes. */
    end: Type.Optional(EndIntent),
    /** The parties that want it suspended; the journal says who does hold it. */
    holds: Type.Optional(Holds),
    /** The open batch that is to be cut short. */
    cancel: Type.Optional(Id),
    needs: Type.Array(Need, { maxItems: 256 }),
    pulledBytes: Bytes,
    /** What its scripts and captures take in the books, which is bounded. */
    bookedBytes: Type.Optional(Bytes),
    endedAt: Type.Optional(Timestamp),
    disposed: Type.Boolean(),
  },
  closed,
);
export type Supervision = Static<typeof Supervision>;

/** Provider: what this node means to do with its supervisor, by activityId. */
export const supervisions: Bucket<Supervision> = {
  name: 'supervisions',
  check: checker(Supervision, 'supervision'),
  indexes: {
    /** Ended, and its work directory is still there. */
    undisposed: (it) => (it.endedAt !== undefined && !it.disposed ? ['yes'] : []),
  },
};

const Occupancy = Type.Object(
  {
    agreementId: Id,
    /** The live activity: an agreement's resources serve one at a time. */
    activityId: Type.Optional(Id),
    /** Since when it has no live activity. */
    idleSince: Timestamp,
    idleTimeoutMs: DurationMs,
    expiresAt: Timestamp,
    /** Whether it ever had an activity. */
    used: Type.Boolean(),
    /** This node is ending it for idleness: no further activity. */
    closing: Type.Boolean(),
    closedAt: Type.Optional(Timestamp),
  },
  closed,
);
export type Occupancy = Static<typeof Occupancy>;

/** Provider: who uses an agreement's resources, by agreementId. Every create and every end goes through this record. */
export const occupancies: Bucket<Occupancy> = {
  name: 'occupancies',
  check: checker(Occupancy, 'occupancy'),
  indexes: { open: (it) => (it.closedAt === undefined ? ['yes'] : []) },
};

const Remote = Type.Object(
  {
    activityId: Id,
    agreementId: Id,
    peerId: PeerId,
    multiaddrs: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 16 }),
    deadline: Timestamp,
    maxOutputBytes: Bytes,
    /** The provider has acknowledged the create. */
    accepted: Type.Boolean(),
    openBatches: Type.Array(Id, { maxItems: 8 }),
    /** Present once this node wants it ended. */
    destroy: Type.Optional(Type.Object({ reason: Type.Optional(Reason) }, closed)),
    /** The log's copy is whole. */
    logsComplete: Type.Boolean(),
    /** Whoever had it run wants neither its logs nor its outputs any more. */
    resultsDropped: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type Remote = Static<typeof Remote>;

/** Requestor: where its activity runs and what is still to be told to the provider, by activityId. */
export const remotes: Bucket<Remote> = {
  name: 'remotes',
  check: checker(Remote, 'remote activity'),
  indexes: { followed: (it) => (it.logsComplete ? [] : ['yes']) },
};

const BlobGrant = Type.Object({ activityId: Id, hash: BlobHash, address: Address }, closed);
export type BlobGrant = Static<typeof BlobGrant>;

/** Requestor: which provider may read which blob, for the life of an activity; by `activityId/hash`. */
export const blobGrants: Bucket<BlobGrant> = {
  name: 'blob-grants',
  check: checker(BlobGrant, 'blob grant'),
  indexes: { hash: (grant) => [grant.hash], activityId: (grant) => [grant.activityId] },
};

export const grantKey = (activityId: string, hash: string): string => `${activityId}/${hash}`;

const SlotHold = Type.Object({ agreementId: Id, resources: Resources, at: Timestamp }, closed);
export type SlotHold = Static<typeof SlotHold>;

/** Provider: resources held, by agreementId. */
export const reservations: Bucket<SlotHold> = {
  name: 'reservations',
  check: checker(SlotHold, 'slot reservation'),
};

const SlotSum = Type.Object({ cpuThreads: Bytes, memoryBytes: Bytes, storageBytes: Bytes }, closed);
export type SlotSum = Static<typeof SlotSum>;

/** Provider: Σ of the reservations, one record. Reading it makes two reservations at once conflict. */
export const slotSums: Bucket<SlotSum> = { name: 'slot-sums', check: checker(SlotSum, 'sum of the slots') };
