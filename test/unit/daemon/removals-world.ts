import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageBucket } from '../../../src/api/package-bucket.ts';
import { remotes } from '../../../src/activity/records.ts';
import { Removals } from '../../../src/daemon/removals.ts';
import type { Bucket, Store, TaskRecord } from '../../../src/interface/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { taskBucket, tasks } from '../../../src/task/index.ts';
import { blobStore, type BlobStore } from '../../../src/transfer/index.ts';
import { newId } from '../../../src/util/id.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { PEER, taskRecord } from '../api/support/samples.ts';

const AT = 1_700_000_000_000;

/** What a task is made of, by the hashes of blobs. */
export interface Parts {
  readonly package: string;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
}

/** A task of one attempt, whose agreement and activity are called after it. */
export function taskOf(
  taskId: string,
  { package: hash, inputs = [], outputs = [] }: Parts,
  over: Partial<TaskRecord> = {},
): TaskRecord {
  const { spec, attempts, ...rest } = taskRecord(taskId, { allocationId: `of-${taskId}` });
  return {
    ...rest,
    spec: { ...spec, package: hash, inputs: inputs.map((blob, i) => ({ blob, path: `/in${i}` })) },
    package: { hash, sizeBytes: 1 },
    state: 'Succeeded',
    attempts: attempts.map((one) => ({
      ...one,
      agreementId: `agreement-${taskId}`,
      activityId: `activity-${taskId}`,
      phase: 'Done',
    })),
    result: {
      stdoutBytes: 3,
      stderrBytes: 0,
      outputs: outputs.map((blob, i) => ({ path: `/out${i}`, blob, sizeBytes: 1 })),
    },
    ...over,
  };
}

/** The books and the files of a node that is not there otherwise. */
export class RemovalsWorld {
  readonly clock = new FakeClock();
  readonly store: Store = memoryStore({ clock: this.clock });
  readonly blobs: BlobStore;
  readonly logsDir: string;
  readonly released: string[] = [];
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
    this.logsDir = join(root, 'logs');
    this.blobs = blobStore(
      { directory: join(root, 'blobs'), maxBlobBytes: 1000 },
      { clock: this.clock, logger: silentLogger },
    );
  }

  static async start(): Promise<RemovalsWorld> {
    const world = new RemovalsWorld(await mkdtemp(join(tmpdir(), 'ergon-removals-')));
    await mkdir(world.logsDir);
    await world.store.start();
    await world.blobs.start();
    return world;
  }

  async stop(): Promise<void> {
    await this.store.stop();
    await rm(this.#root, { recursive: true });
  }

  /** The service, also through something that comes between it and the books and files. */
  removals(
    through: { readonly store?: Store; readonly blobs?: Pick<BlobStore, 'stat' | 'delete'> } = {},
  ): Removals {
    const allocations = {
      get: async (allocationId: string) => ({ allocationId }) as never,
      release: async (allocationId: string) => void this.released.push(allocationId),
    };
    const { store = this.store, blobs = this.blobs } = through;
    return new Removals({ logsDir: this.logsDir }, { store, blobs, allocations, logger: silentLogger });
  }

  /** Tasks that never get as far as finding a provider. */
  tasks(store: Store) {
    const nobody = async (): Promise<never> => Promise.reject(new Error('nobody is there'));
    return tasks(
      { agreementSlackMs: 1, searchTimeoutMs: 1, closeTimeoutMs: 1, retryDelayMs: 1000 },
      {
        store,
        blobs: this.blobs,
        clock: this.clock,
        logger: silentLogger,
        newId,
        fetcher: { fetch: nobody },
        agreements: { get: nobody, request: nobody, terminate: nobody },
        activities: {} as never,
        allocations: { create: nobody } as never,
      },
    );
  }

  async put<T>(bucket: Bucket<T>, id: string, value: T): Promise<void> {
    await this.store.transact(async (tx) => {
      await tx.get(bucket, id);
      tx.put(bucket, id, value);
    });
  }

  /** A blob of this text. */
  async blob(text: string): Promise<string> {
    const bytes = (async function* () {
      yield Buffer.from(text);
    })();
    return (await this.blobs.put(bytes)).hash;
  }

  /** The same, as a package. */
  async package(text: string): Promise<string> {
    const hash = await this.blob(text);
    await this.put(packageBucket, hash, { hash, sizeBytes: text.length, uploadedAt: AT });
    return hash;
  }

  /** The task with the log of its attempt. */
  async task(taskId: string, parts: Parts, over?: Partial<TaskRecord>): Promise<void> {
    await this.put(taskBucket, taskId, taskOf(taskId, parts, over));
    const activityId = `activity-${taskId}`;
    await this.remote(activityId, `agreement-${taskId}`);
    await writeFile(join(this.logsDir, `${activityId}.stdout`), 'log');
  }

  async remote(activityId: string, agreementId: string): Promise<void> {
    await this.put(remotes, activityId, {
      ...{ activityId, agreementId, peerId: PEER, multiaddrs: [], deadline: AT, maxOutputBytes: 1 },
      ...{ accepted: true, openBatches: [], logsComplete: true },
    });
  }

  async isHere(hash: string): Promise<boolean> {
    return (await this.blobs.stat(hash)) !== undefined;
  }

  logs(): Promise<string[]> {
    return readdir(this.logsDir);
  }
}
