import { Type, type Static } from 'typebox';
import { Amount, BlobHash, Bytes, LedgerPayment, TaskRecord, Timestamp } from '../interface/index.ts';

// What the commands read of the daemon's answers. Members that are not named here may come, as newer daemons will have
// more to say, and --json shows them.

export const NodeView = Type.Object({
  peerId: Type.String(),
  address: Type.String(),
  multiaddrs: Type.Array(Type.String()),
  version: Type.String(),
  startedAt: Timestamp,
  provider: Type.Optional(
    Type.Object({
      runtimes: Type.Array(Type.String()),
      total: Type.Object({
        cpuThreads: Type.Integer(),
        memoryBytes: Type.Integer(),
        storageBytes: Type.Integer(),
      }),
      free: Type.Object({
        cpuThreads: Type.Integer(),
        memoryBytes: Type.Integer(),
        storageBytes: Type.Integer(),
      }),
    }),
  ),
  blobs: Type.Optional(Type.Object({ bytes: Bytes, count: Type.Integer(), cachedBytes: Bytes })),
  platforms: Type.Array(
    Type.Object({
      platform: Type.String(),
      symbol: Type.String(),
      decimals: Type.Integer({ minimum: 0, maximum: 36 }),
    }),
  ),
});
export type NodeView = Static<typeof NodeView>;

/** What a removal did. */
export const RemovedView = Type.Object({
  removed: Type.Boolean(),
  blobs: Type.Integer({ minimum: 0 }),
  freedBytes: Bytes,
});
export type RemovedView = Static<typeof RemovedView>;

export const PeerInfoView = Type.Object({
  peerId: Type.String(),
  address: Type.String(),
  multiaddrs: Type.Array(Type.String()),
  direction: Type.String(),
  connectedAt: Timestamp,
});
export type PeerInfoView = Static<typeof PeerInfoView>;

export const BlobView = Type.Object({ hash: BlobHash, sizeBytes: Bytes });

const { taskId, spec, state, progress, attempts, result, reason, createdAt, stateChangedAt } =
  TaskRecord.properties;
const TaskAnswer = Type.Object({
  taskId,
  spec,
  state,
  progress,
  attempts,
  result,
  reason,
  createdAt,
  stateChangedAt,
  bill: Type.Object({
    platform: Type.String(),
    budget: Amount,
    accepted: Amount,
    invoiced: Amount,
    settled: Amount,
  }),
});
export type TaskView = Omit<Static<typeof TaskAnswer>, 'state' | 'attempts'> &
  Pick<TaskRecord, 'state' | 'attempts'>;
export const TaskView = Type.Unsafe<TaskView>(TaskAnswer);

export const PaymentView = Type.Object({
  direction: Type.String(),
  state: Type.String(),
  payment: LedgerPayment,
  stateChangedAt: Timestamp,
});
export type PaymentView = Static<typeof PaymentView>;

export const VerificationView = Type.Object({
  valid: Type.Boolean(),
  digest: Type.Object({ recorded: Type.String(), computed: Type.String(), matches: Type.Boolean() }),
  signatures: Type.Array(
    Type.Object({
      document: Type.String(),
      party: Type.String(),
      address: Type.String(),
      status: Type.String(),
      message: Type.Optional(Type.String()),
    }),
  ),
});
export type VerificationView = Static<typeof VerificationView>;
