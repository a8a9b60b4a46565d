import { Type, type Static } from 'typebox';
import { BlobHash, Bytes, Id, Timestamp, type Bucket } from '../../../../interface/index.ts';
import { checker } from '../../../../util/check.ts';

const closed = { additionalProperties: false } as const;
const Text = Type.String({ maxLength: 4096 });

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
