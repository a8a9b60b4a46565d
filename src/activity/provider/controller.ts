import type { Batch, JsonValue, Protocol, RequestHandler, Sender } from '../../interface/index.ts';
import { ActivityError, batchNotFound } from '../errors.ts';
import {
  ACTIVITY_PROTOCOL,
  checkBatchRequest,
  checkCreateRequest,
  checkDestroyRequest,
  checkExecRequest,
  checkGetRequest,
  checkHoldRequest,
  checkLogRequest,
  checkOutputTaken,
  checkUpdatesRequest,
  type LogAnswer,
  type LogRequest,
} from '../messages.ts';
import { activities, batches, batchKey } from '../records.ts';
import { snapshotOf, type ProviderContext } from './context.ts';
import { cancelBatch } from './cancel-batch.ts';
import { createActivity } from './create.ts';
import { destroyActivity, execScript } from './exec.ts';
import { dropOutput } from './drop-output.ts';
import { hold, release } from './holding.ts';
import type { Reconciler } from './reconciler.ts';
import { readProviderLog } from './logs.ts';
import { owned } from './ownership.ts';
import { waitForUpdates } from './updates.ts';

export interface ControllerComponents {
  readonly context: ProviderContext;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  /** Whether requests are taken: after start and until stop. */
  readonly isOpen: () => boolean;
}

/** What a requestor may ask of its activities. Every kind is idempotent by the ids that the requestor makes. */
export function activityProtocol({ context, reconciler, isOpen }: ControllerComponents): Protocol {
  const { store } = context;
  const kind = <Req>(
    check: (body: unknown) => Req,
    answer: (request: Req, sender: Sender, signal: AbortSignal) => Promise<JsonValue>,
  ): RequestHandler<never> => ({
    // A protocol holds handlers of any request type; each pairs its own check with its own answer.
    check: (body) => check(body) as never,
    handle: async (request, sender, signal) => {
      if (!isOpen()) throw new ActivityError('ERR_ACTIVITY_STOPPED', 'This node is starting or stopping');
      return answer(request, sender, signal);
    },
  });
  const find = async (activityId: string, sender: Sender) =>
    owned(activityId, await store.get(activities, activityId), sender);

  return {
    id: ACTIVITY_PROTOCOL,
    requests: {
      create: kind(checkCreateRequest, async (request, sender) => {
        const record = await createActivity(context, request, sender);
        reconciler.reconcile(record.activityId);
        return snapshotOf(record);
      }),
      exec: kind(checkExecRequest, async (request, sender) => {
        const batch = await execScript(context, request, sender);
        context.changes.notify(request.activityId);
        return batchAnswer(batch);
      }),
      get: kind(checkGetRequest, async ({ activityId }, sender) =>
        snapshotOf(await find(activityId, sender)),
      ),
      batch: kind(checkBatchRequest, async ({ activityId, batchId }, sender) => {
        await find(activityId, sender);
        const batch = await store.get(batches, batchKey(activityId, batchId));
        if (batch === undefined) throw batchNotFound(activityId, batchId);
        return batchAnswer(batch);
      }),
      updates: kind(checkUpdatesRequest, async (request, sender, signal) =>
        waitForUpdates(context, await find(request.activityId, sender), request, signal),
      ),
      log: kind(checkLogRequest, async (request, sender) => {
        await find(request.activityId, sender);
        return logAnswer(context, request);
      }),
      suspend: kind(checkHoldRequest, async ({ activityId }, sender, signal) =>
        snapshotOf(
          await hold(context, activityId, 'requestor', (it) => owned(activityId, it, sender), signal),
        ),
      ),
      resume: kind(checkHoldRequest, async ({ activityId }, sender, signal) =>
        snapshotOf(
          await release(context, activityId, 'requestor', (it) => owned(activityId, it, sender), signal),
        ),
      ),
      'cancel-batch': kind(checkBatchRequest, async (request, sender, signal) =>
        batchAnswer(await cancelBatch(context, request, sender, signal)),
      ),
      'output-taken': kind(checkOutputTaken, async (request, sender) => {
        const record = await find(request.activityId, sender);
        await dropOutput(context, request);
        return snapshotOf(record);
      }),
      destroy: kind(checkDestroyRequest, async (request, sender) => {
        await destroyActivity(context, request, sender);
        context.changes.notify(request.activityId);
        return snapshotOf(await find(request.activityId, sender));
      }),
    },
  };
}

async function logAnswer(context: ProviderContext, request: LogRequest): Promise<LogAnswer> {
  const { activityId, stream, offset, maxBytes } = request;
  const slice = await readProviderLog(context, activityId, stream, offset, maxBytes);
  const { bytes, end, final } = slice;
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return { offset: slice.offset, end, final, data };
}

/** The requestor has the script; sending it back would cost more than all else. */
function batchAnswer({ batchId, results, finished, createdAt }: Batch): JsonValue {
  return { batchId, results, finished, createdAt };
}
