import type {
  ActivityHolding,
  BatchCanceling,
  ExeScript,
  RequestorActivities,
  Sender,
  Startable,
} from '../../interface/index.ts';
import { Background } from '../background.ts';
import { Changes } from '../changes.ts';
import { logGone } from '../errors.ts';
import { activities, batches, batchKey, blobGrants, remotes } from '../records.ts';
import { unreachable } from './provider-request.ts';
import { noteActivity, noteBatch, noteDestroy, notFound } from './commands.ts';
import type { ActivityRequestorComponents, ActivityRequestorInit, RequestorContext } from './context.ts';
import { Delivery } from './delivery.ts';
import { waitAtMost } from './single-flight.ts';
import { Follower } from './follower.ts';
import { cancelBatch, changeHold } from './follow-up.ts';
import { LogCopies } from './log-copy.ts';
import { outputTaken } from './output-taken.ts';
import { batchEnd, findBatch, logArrival } from './waits.ts';

export type { ActivityRequestorComponents, ActivityRequestorInit } from './context.ts';

/** The requestor's side of activities: remote control, and books and logs that follow what the providers report. */
export interface ActivityRequestor extends RequestorActivities, ActivityHolding, BatchCanceling, Startable {
  /** For the blob server: path of a package or input that this sender may read. */
  allowBlob(hash: string, sender: Sender): Promise<string | undefined>;
  /** An output is in this node's blobs: its provider may forget it. */
  outputTaken(activityId: string, hash: string): Promise<void>;
}

/** Not started twice. */
export function activityRequestor(
  init: ActivityRequestorInit,
  components: ActivityRequestorComponents,
): ActivityRequestor {
  const { store, clock, blobs } = components;
  const background = new Background(components);
  const context: RequestorContext = { ...components, init, changes: new Changes(), background };
  const copies = new LogCopies(init.logsDir);
  const delivery = new Delivery(context);
  const follower = new Follower({ context, delivery, copies });

  const find = async (activityId: string) => {
    const record = await store.get(activities, activityId);
    return record?.role === 'requestor' ? record : undefined;
  };
  const arrive = async (activityId: string, flight: Promise<void>, signal?: AbortSignal): Promise<void> => {
    const remote = await store.get(remotes, activityId);
    const late = () => unreachable(activityId, remote?.peerId ?? 'unknown');
    await waitAtMost(flight, clock, init.commandTimeoutMs, signal, late);
  };

  return {
    async start() {
      await copies.prepare();
      const open = await store.list(remotes, { where: { index: 'followed', equals: 'yes' } });
      for (const { value } of open) follower.follow(value);
    },
    stop: () => background.stop(),
    get: find,
    async create(request, signal) {
      const remote = await noteActivity(context, request);
      if (remote?.logsComplete === false) follower.follow(remote);
      await arrive(request.activityId, delivery.create(request.activityId), signal);
      const record = await find(request.activityId);
      if (record === undefined) throw notFound(request.activityId);
      return record;
    },
    async exec(activityId: string, batchId: string, script: ExeScript, signal?: AbortSignal) {
      await noteBatch(context, activityId, batchId, script);
      await arrive(activityId, delivery.exec(activityId, batchId), signal);
      return findBatch(context, activityId, batchId);
    },
    batch: async (activityId, batchId) =>
      (await find(activityId)) && store.get(batches, batchKey(activityId, batchId)),
    waitBatch: (activityId, batchId, signal) =>
      batchEnd(context, activityId, batchId, AbortSignal.any([signal, background.signal])),
    async readLog(activityId, stream, offset, maxBytes) {
      const remote = await store.get(remotes, activityId);
      if (remote === undefined || remote.resultsDropped === true)
        throw (await find(activityId)) ? logGone(activityId) : notFound(activityId);
      return { ...(await copies.read(activityId, stream, offset, maxBytes)), final: remote.logsComplete };
    },
    waitLog: (activityId, stream, end, signal) =>
      logArrival(context, copies, { activityId, stream, end }, AbortSignal.any([signal, background.signal])),
    async destroy(activityId, reason, signal) {
      if (!(await noteDestroy(context, activityId, reason))) return;
      await arrive(activityId, delivery.destroy(activityId), signal);
    },
    suspend: (activityId, signal) => changeHold(context, delivery, activityId, 'suspend', signal),
    resume: (activityId, signal) => changeHold(context, delivery, activityId, 'resume', signal),
    cancelBatch: (activityId, batchId, signal) => cancelBatch(context, delivery, activityId, batchId, signal),
    outputTaken: (activityId, hash) => outputTaken(context, activityId, hash),
    async allowBlob(hash, sender) {
      const grants = await store.list(blobGrants, { where: { index: 'hash', equals: hash } });
      const granted = grants.some(({ value }) => value.address === sender.address);
      return granted ? blobs.path(hash) : undefined;
    },
  };
}
