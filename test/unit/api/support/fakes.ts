import { createHash } from 'node:crypto';
import type {
  ActivityOutputs,
  ApiComponents,
  LocalPackages,
  ProviderOperations,
  Removal,
  Removed,
} from '../../../../src/api/components.ts';
import type {
  ActivityHolding,
  Allocation,
  Allocations,
  Agreements,
  AgreementRecord,
  Batch,
  BatchCanceling,
  Blobs,
  Bucket,
  ActivityRecord,
  LogStream,
  ProviderMode,
  ProviderStatus,
  RequestorActivities,
  Store,
  TaskRecord,
  Tasks,
} from '../../../../src/interface/index.ts';
import { ErgonError } from '../../../../src/interface/index.ts';
import { activityRecord, agreementRecord, HASH, taskRecord } from './samples.ts';

/** A bucket that takes anything: the API reads other parts' records, it does not check them. */
export function looseBucket<T>(name: string, indexes: NonNullable<Bucket<T>['indexes']> = {}): Bucket<T> {
  return { name, check: (value) => value as T, indexes };
}

export const buckets = {
  tasks: looseBucket<TaskRecord>('tasks', { state: (task) => [task.state] }),
  agreements: looseBucket<AgreementRecord>('agreements'),
  activities: looseBucket<ActivityRecord>('activities'),
  batches: looseBucket<Batch>('batches', { activity: (batch) => [batch.activityId] }),
  allocations: looseBucket<Allocation>('allocations'),
};

/** Writes, whether it exists or not. */
export async function save<T>(store: Store, bucket: Bucket<T>, id: string, value: T): Promise<void> {
  await store.transact(async (tx) => {
    await tx.get(bucket, id);
    tx.put(bucket, id, value);
  });
}

export function memoryBlobs(changes: string[]): ApiComponents['blobs'] {
  const files = new Map<string, Buffer>();
  const info = (hash: string, bytes: Buffer) => ({ hash, sizeBytes: bytes.byteLength });
  return {
    put: async (source) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of source) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const hash = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      files.set(hash, bytes);
      changes.push(`blob ${hash}`);
      return info(hash, bytes);
    },
    stat: async (hash) => {
      const bytes = files.get(hash);
      return bytes && info(hash, bytes);
    },
    read: async function* (hash, offset = 0) {
      const bytes = files.get(hash) ?? Buffer.alloc(0);
      for (let at = offset; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
    },
    list: async () => [...files].map(([hash, bytes]) => info(hash, bytes)),
    whileHeld: async (hashes, work) =>
      work(
        hashes.map((hash) => {
          const bytes = files.get(hash);
          return bytes && info(hash, bytes);
        }),
      ),
    usage: () => ({
      bytes: [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
      count: files.size,
      maxBytes: Infinity,
    }),
    cachedBytes: async () => 0,
  };
}

/** One task needs the package of the samples; what is called `gone` is not there. */
export function fakeRemoval(changes: string[]): Removal {
  const remove = async (what: string): Promise<Removed> => {
    if (what.includes('open')) throw new ErgonError('ERR_TASK_NOT_OVER', `${what} is Queued: it is not over`);
    if (what.includes('gone')) return { removed: false, blobs: 0, freedBytes: 0 };
    changes.push(`remove ${what}`);
    return { removed: true, blobs: 2, freedBytes: 2048 };
  };
  return {
    neededInputs: async () => new Map([[HASH, 1]]),
    task: (id) => remove(`task ${id}`),
    package: (hash) => remove(`package ${hash}`),
    blob: (hash) => remove(`blob ${hash}`),
  };
}

/** What every activity has put out. */
export const OUTPUT = Buffer.from('what came out');

async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Brings it, whatever is asked for. */
export function fakeOutputs(blobs: Pick<Blobs, 'put'>, changes: string[]): ActivityOutputs {
  return {
    bring: async (activityId, { hash }) => {
      changes.push(`bring ${activityId} ${hash}`);
      await blobs.put(stream(OUTPUT));
    },
  };
}

/** An engine that has `built:1` from here and `pulled:2` from a registry; every archive of it has other bytes. */
export function fakeImages(): LocalPackages {
  let archives = 0;
  const open = async function* () {
    archives += 1;
    yield Buffer.from(`archive ${archives}`);
  };
  const images = [
    { names: ['built:1'], id: `sha256:${'1'.repeat(64)}` },
    { names: ['pulled:2'], id: `sha256:${'2'.repeat(64)}`, reference: `pulled@sha256:${'3'.repeat(64)}` },
  ];
  return {
    find: async (name) => {
      const image = images.find(({ names, id }) => names.includes(name) || id === name);
      if (image === undefined) return undefined;
      const { id, reference } = image;
      return { id, ...(reference !== undefined && { reference }), open: async () => open() };
    },
  };
}

export function fakeTasks(store: Store, changes: string[]): Tasks {
  return {
    submit: async (taskId, spec) => {
      const known = await store.get(buckets.tasks, taskId);
      if (known !== undefined) return known;
      changes.push(`task ${taskId}`);
      const task = taskRecord(taskId, { spec, attempts: [], state: 'Queued' });
      await save(store, buckets.tasks, taskId, task);
      return task;
    },
    get: (taskId) => store.get(buckets.tasks, taskId),
    cancel: async (taskId) => {
      changes.push(`cancel ${taskId}`);
      const task = taskRecord(taskId, { state: 'Canceled' });
      await save(store, buckets.tasks, taskId, task);
      return task;
    },
  };
}

export function fakeAgreements(store: Store, changes: string[]): Agreements {
  return {
    get: (agreementId) => store.get(buckets.agreements, agreementId),
    request: async (request) => {
      changes.push(`agreement ${request.agreementId}`);
      const record = agreementRecord(request.agreementId);
      await save(store, buckets.agreements, request.agreementId, record);
      return record;
    },
    terminate: async (agreementId, reason) => {
      changes.push(`terminate ${agreementId} ${reason.code}`);
      const record = agreementRecord(agreementId, { state: 'Terminated', reason });
      await save(store, buckets.agreements, agreementId, record);
      return record;
    },
  };
}

export interface FakeActivities extends RequestorActivities, BatchCanceling {
  /** Appends to a log. */
  write(activityId: string, stream: LogStream, bytes: Uint8Array): void;
  finalize(activityId: string): void;
  finish(activityId: string, batchId: string): Promise<void>;
}

export function fakeActivities(store: Store, changes: string[]): FakeActivities {
  const logs = new Map<string, Buffer>();
  const finals = new Set<string>();
  const logOf = (id: string, stream: LogStream): Buffer => logs.get(`${id} ${stream}`) ?? Buffer.alloc(0);
  return {
    get: (id) => store.get(buckets.activities, id),
    create: async (request) => {
      changes.push(`activity ${request.activityId}`);
      const record = activityRecord(request.activityId, { ...request, state: 'New' });
      await save(store, buckets.activities, request.activityId, record);
      return record;
    },
    exec: async (activityId, batchId, script) => {
      changes.push(`exec ${batchId} ${JSON.stringify(script)}`);
      const batch = { batchId, activityId, script, results: [], finished: false, createdAt: changes.length };
      await save(store, buckets.batches, `${activityId}/${batchId}`, batch);
      return batch;
    },
    cancelBatch: async (activityId, batchId) => {
      const key = `${activityId}/${batchId}`;
      const batch = await store.get(buckets.batches, key);
      if (batch === undefined) throw new ErgonError('ERR_ACTIVITY_BATCH_NOT_FOUND', `no batch ${batchId}`);
      changes.push(`cancel ${batchId}`);
      await save(store, buckets.batches, key, { ...batch, finished: true });
      return { ...batch, finished: true };
    },
    batch: (activityId, batchId) => store.get(buckets.batches, `${activityId}/${batchId}`),
    waitBatch: async (activityId, batchId, signal) => {
      for (;;) {
        signal.throwIfAborted();
        const batch = await store.get(buckets.batches, `${activityId}/${batchId}`);
        if (batch?.finished === true) return batch;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    readLog: async (id, stream, offset, maxBytes) => {
      const log = logOf(id, stream);
      const bytes = log.subarray(offset, offset + maxBytes);
      return { bytes, offset, end: log.length, final: finals.has(id) };
    },
    waitLog: async (id, stream, end, signal) => {
      while (logOf(id, stream).length < end && !finals.has(id)) {
        signal.throwIfAborted();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    destroy: async (id) => {
      changes.push(`destroy ${id}`);
      await save(store, buckets.activities, id, activityRecord(id, { state: 'Completed' }));
    },
    write: (id, stream, bytes) => logs.set(`${id} ${stream}`, Buffer.concat([logOf(id, stream), bytes])),
    finalize: (id) => finals.add(id),
    finish: async (activityId, batchId) => {
      const key = `${activityId}/${batchId}`;
      const batch = await store.get(buckets.batches, key);
      if (batch === undefined) throw new Error(`no batch ${batchId}`);
      const result = { index: 0, result: 'Ok' as const, exitCode: 7, startedAt: 1, finishedAt: 2 };
      await save(store, buckets.batches, key, { ...batch, finished: true, results: [result] });
    },
  };
}

export function fakeHolding(store: Store, changes: string[], role: ActivityRecord['role']): ActivityHolding {
  const become = async (id: string, word: string, over: Partial<ActivityRecord>): Promise<ActivityRecord> => {
    changes.push(`${word} ${id} as ${role}`);
    const record = activityRecord(id, { role, ...over });
    await save(store, buckets.activities, id, record);
    return record;
  };
  return {
    suspend: (id) => become(id, 'suspend', { state: 'Suspended', holds: [role] }),
    resume: (id) => become(id, 'resume', { state: 'Running' }),
  };
}

export function fakeProvider(changes: string[]): ProviderOperations {
  let mode: ProviderMode = 'run';
  const status = async (): Promise<ProviderStatus> => ({
    mode,
    effective: mode,
    offers: mode === 'run' ? 1 : 0,
    soldOut: false,
    presetNotes: [],
    agreements: 2,
    activities: { Running: 1 },
  });
  return {
    status,
    setMode: (wanted) => {
      changes.push(`provider ${wanted}`);
      mode = wanted;
      return status();
    },
    reload: async () => {
      changes.push('reload');
      return { applied: ['provider.presets'], restartNeeded: ['api.port'] };
    },
  };
}

export function fakeAllocations(store: Store, changes: string[]): Allocations {
  return {
    create: async ({ allocationId, platform, total }) => {
      changes.push(`allocation ${allocationId} ${total}`);
      const made = {
        allocationId,
        platform,
        total,
        spent: '0',
        remaining: total,
        released: false,
        createdAt: 1,
      };
      await save(store, buckets.allocations, allocationId, made);
      return made;
    },
    get: (allocationId) => store.get(buckets.allocations, allocationId),
    resize: async (allocationId, total) => {
      const known = await store.get(buckets.allocations, allocationId);
      const made = { ...known!, total, remaining: total };
      await save(store, buckets.allocations, allocationId, made);
      return made;
    },
    assign: async (agreementId, allocationId) => void changes.push(`assign ${agreementId} ${allocationId}`),
    release: async (allocationId) => void changes.push(`release ${allocationId}`),
  };
}

export class FakeError extends ErgonError {}
