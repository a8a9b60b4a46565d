import {
  isFinalTaskState,
  type BlobInfo,
  type Blobs,
  type Startable,
  type Store,
  type TaskRecord,
  type TaskSpec,
  type Tasks,
} from '../interface/index.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { inputsOf, taskBucket } from './bucket.ts';
import { TaskError } from './errors.ts';
import { put, taskRecords } from './records.ts';
import { taskRunner, type RunnerComponents, type RunnerInit } from './runner.ts';
import { followSettlement } from './settlement.ts';

export { blobsOf as taskBlobs, reindexTasks, taskBucket } from './bucket.ts';
export { neededInputs, taskBlobUsers, type TaskBlobUse } from './blob-users.ts';
export { forgetUnbilled } from './forget-unbilled.ts';
export { TaskError, taskErrors, type TaskErrorCode } from './errors.ts';
export { TASK_TRANSITIONS } from './machine.ts';
export { removeTask } from './removal.ts';

export type TasksInit = RunnerInit;
export interface TasksComponents extends Omit<RunnerComponents, 'records'> {
  readonly store: Store;
  readonly blobs: Pick<Blobs, 'whileHeld'>;
}

/** The requestor's durable tasks: each is driven from its record, so a restart goes on where it was. */
export function tasks(init: TasksInit, components: TasksComponents): Tasks & Startable {
  const { store, blobs, clock, newId } = components;
  const records = taskRecords({ store });
  const runner = taskRunner(init, { ...components, records });
  let stopSettlement = async (): Promise<void> => undefined;

  /** Stores a new task while its blobs are held, so that none of them is removed before the books name it. */
  function storeTask(taskId: string, spec: TaskSpec): Promise<TaskRecord> {
    const hashes = inputsOf(spec);
    return blobs.whileHeld(hashes, (found) =>
      store.transact(async (tx) => {
        const known = await tx.get(taskBucket, taskId);
        if (known !== undefined) return sameSpec(known, spec);
        const now = clock.now();
        const fresh: TaskRecord = {
          taskId,
          spec,
          package: packageOf(hashes, found),
          allocationId: newId(),
          state: 'Queued',
          progress: { percent: 0, message: 'queued' },
          attempts: [],
          createdAt: now,
          stateChangedAt: now,
        };
        put(tx, undefined, fresh);
        return fresh;
      }),
    );
  }

  return {
    async start() {
      stopSettlement = followSettlement(components);
      const open = await store.list(taskBucket, { where: { index: 'open', equals: 'yes' } });
      for (const { id } of open) runner.drive(id);
    },
    async stop() {
      await Promise.all([runner.stop(), stopSettlement()]);
    },
    async submit(taskId, spec) {
      checkSpec(spec);
      const task = await storeTask(taskId, spec);
      runner.drive(taskId);
      return task;
    },
    get: (taskId) => store.get(taskBucket, taskId),
    async cancel(taskId) {
      const task = await records.update(taskId, (now) =>
        isFinalTaskState(now.state) || now.cancelRequested === true
          ? undefined
          : { ...now, cancelRequested: true },
      );
      if (!isFinalTaskState(task.state)) runner.interrupt(taskId);
      return task;
    },
  };
}

function packageOf(
  hashes: readonly string[],
  found: readonly (BlobInfo | undefined)[],
): TaskRecord['package'] {
  const missing = hashes.find((_, i) => found[i] === undefined);
  const [info] = found;
  if (missing === undefined && info !== undefined) return { hash: info.hash, sizeBytes: info.sizeBytes };
  throw new TaskError('ERR_TASK_PACKAGE_NOT_FOUND', `${missing} was not uploaded to this node`, {
    hash: missing,
  });
}

function sameSpec(known: TaskRecord, spec: TaskSpec): TaskRecord {
  if (canonicalJson(known.spec) === canonicalJson(spec)) return known;
  throw new TaskError('ERR_TASK_ID_CONFLICT', `task ${known.taskId} exists with another specification`, {
    taskId: known.taskId,
  });
}

function checkSpec(spec: TaskSpec): void {
  const paths = spec.inputs.map((input) => input.path);
  for (const list of [paths, spec.outputs]) {
    const twice = list.find((path, i) => list.indexOf(path) !== i);
    if (twice !== undefined) throw new TaskError('ERR_TASK_SPEC', `${twice} is named twice`, { path: twice });
  }
}
