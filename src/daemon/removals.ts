import { Type, type Static } from 'typebox';
import { dropResults, LogCopies } from '../activity/index.ts';
import { forgetPackage, type Removal, type Removed } from '../api/index.ts';
import {
  BlobHash,
  Id,
  type Allocations,
  type Blobs,
  type Bucket,
  type Logger,
  type Startable,
  type Store,
  type TaskRecord,
} from '../interface/index.ts';
import { neededInputs, removeTask, taskBlobs } from '../task/index.ts';
import { TransferError } from '../transfer/index.ts';
import { checker } from '../util/check.ts';
import { blobUsers, type BlobUser } from './blob-users.ts';

export interface RemovalsInit {
  /** The directory of the requestor's copies of logs. */
  readonly logsDir: string;
}

export interface RemovalsComponents {
  readonly store: Store;
  readonly blobs: Pick<Blobs, 'stat' | 'delete'>;
  readonly allocations: Pick<Allocations, 'get' | 'release'>;
  readonly logger: Logger;
}

const PendingRemoval = Type.Object(
  {
    /** Activities whose logs go. */
    logs: Type.Array(Id, { maxItems: 16 }),
    /** Blobs that go unless somebody else has to do with them. */
    blobs: Type.Array(BlobHash, { maxItems: 512 }),
    /** They were asked to be removed: that a task which is over has once read them does not keep them. */
    isAsked: Type.Boolean(),
  },
  { additionalProperties: false },
);
type PendingRemoval = Static<typeof PendingRemoval>;

/** What is out of the books and not yet off the disk, by `task/<id>` or `package/<hash>`. */
export const pendingRemovals: Bucket<PendingRemoval> = {
  name: 'removals',
  check: checker(PendingRemoval, 'pending removal'),
};

const NOTHING: Removed = { removed: false, blobs: 0, freedBytes: 0 };

/**
 * Removes what its owner wants no more. What goes is written down in the transaction that takes its record out of the
 * books; the files follow, and a start does what a kill has left. A file goes at a moment in which nobody can begin to
 * name it, and only if nobody has.
 */
export class Removals implements Removal, Startable {
  readonly #logs: LogCopies;
  readonly #components: RemovalsComponents;

  constructor({ logsDir }: RemovalsInit, components: RemovalsComponents) {
    this.#logs = new LogCopies(logsDir);
    this.#components = components;
  }

  async start(): Promise<void> {
    const pending = await this.#components.store.list(pendingRemovals);
    for (const { id, value } of pending) {
      // What cannot be deleted now keeps no node from starting.
      await this.#finish(id, value).catch((err: unknown) =>
        this.#components.logger.warn(
          { err, removal: id },
          'a removal is not finished; the next start tries again',
        ),
      );
    }
  }

  async stop(): Promise<void> {
    // A removal that a stop cuts short is finished by the next start.
  }

  neededInputs(): Promise<ReadonlyMap<string, number>> {
    return neededInputs(this.#components.store);
  }

  async task(taskId: string): Promise<Removed> {
    const key = `task/${taskId}`;
    const task = await removeTask(this.#components, taskId, async (tx, found) => {
      for (const activityId of activitiesOf(found)) await dropResults(tx, activityId);
      await tx.get(pendingRemovals, key);
      tx.put(pendingRemovals, key, filesOf(found));
    });
    return task === undefined ? NOTHING : this.#finish(key, filesOf(task));
  }

  async package(hash: string): Promise<Removed> {
    const { store } = this.#components;
    const key = `package/${hash}`;
    refuse(hash, (await blobUsers(store, hash)).filter(isNeed));
    const pending = { logs: [], blobs: [hash], isAsked: true };
    const wasHere = await store.transact(async (tx) => {
      if (!(await forgetPackage(tx, hash))) return false;
      await tx.get(pendingRemovals, key);
      tx.put(pendingRemovals, key, pending);
      return true;
    });
    return wasHere ? this.#finish(key, pending) : NOTHING;
  }

  async blob(hash: string): Promise<Removed> {
    const { store, blobs } = this.#components;
    const info = await blobs.stat(hash);
    if (info === undefined) return NOTHING;
    refuse(hash, (await blobUsers(store, hash)).filter(isStake));
    const freedBytes = await this.#drop(hash, isStake);
    if (freedBytes === undefined && (await blobs.stat(hash)) !== undefined) refuse(hash, [undefined]);
    return {
      removed: freedBytes !== undefined,
      blobs: freedBytes === undefined ? 0 : 1,
      freedBytes: freedBytes ?? 0,
    };
  }

  async #finish(key: string, { logs, blobs, isAsked }: PendingRemoval): Promise<Removed> {
    for (const activityId of logs) await this.#logs.remove(activityId);
    const freed: number[] = [];
    for (const hash of blobs) {
      const bytes = await this.#drop(hash, isAsked ? isStake : () => true);
      if (bytes !== undefined) freed.push(bytes);
    }
    await this.#components.store.transact(async (tx) => tx.delete(pendingRemovals, key));
    return { removed: true, blobs: freed.length, freedBytes: freed.reduce((sum, bytes) => sum + bytes, 0) };
  }

  /** The bytes that it gave back; undefined when it stays. */
  async #drop(hash: string, isKept: (user: BlobUser) => boolean): Promise<number | undefined> {
    const { store, blobs } = this.#components;
    const info = await blobs.stat(hash);
    const isUsed = async (): Promise<boolean> => (await blobUsers(store, hash)).some(isKept);
    return info !== undefined && (await blobs.delete(hash, isUsed)) ? info.sizeBytes : undefined;
  }
}

const activitiesOf = ({ attempts }: TaskRecord): string[] => [
  ...new Set(attempts.map(({ activityId }) => activityId)),
];
const filesOf = (task: TaskRecord): PendingRemoval => ({
  logs: activitiesOf(task),
  blobs: taskBlobs(task),
  isAsked: false,
});

const isNeed = ({ use }: BlobUser): boolean => use === 'needs';
const isStake = ({ use }: BlobUser): boolean => use !== 'names';

/** `undefined` among the users is somebody who is about to use it. */
function refuse(hash: string, users: readonly (BlobUser | undefined)[]): void {
  if (users.length === 0) return;
  const [user] = users;
  const who =
    user === undefined ? 'somebody is about to use it' : `${WORDS[user.use]} ${user.kind} ${user.id}`;
  const others = users.length > 1 ? ` and ${users.length - 1} more` : '';
  throw new TransferError('ERR_TRANSFER_IN_USE', `${hash} cannot be removed: ${who}${others}`, {
    hash,
    users: users
      .flatMap((each) => each ?? [])
      .slice(0, 16)
      .map(({ kind, id, use }) => ({ kind, id, use })),
  });
}

const WORDS = { needs: 'it is needed by', keeps: 'it is part of', names: 'it is named by' } as const;
