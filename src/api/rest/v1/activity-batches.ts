import { Type } from 'typebox';
import { Batch, Id, type CommandResult } from '../../../interface/index.ts';
import { IdempotencyHeaders } from '../../idempotency.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { answers, closed, IdParams } from '../../schemas/common.ts';
import { found } from '../found.ts';

const BatchParams = Type.Object({ id: Id, batchId: Id }, closed);
const NoBody = Type.Object({}, { ...closed, default: {} });
const WaitQuery = Type.Object(
  {
    waitMs: Type.Integer({
      minimum: 0,
      maximum: 300_000,
      default: 0,
      description: 'Wait this long for its end',
    }),
  },
  closed,
);
const ResultView = Type.Object(
  {
    activityId: Id,
    batchId: Id,
    finished: Type.Boolean(),
    ok: Type.Optional(Type.Boolean({ description: 'Once finished: no command failed' })),
    exitCode: Type.Optional(Type.Integer({ description: 'Of the last command that had one' })),
    results: Batch.properties.results,
    outputs: Type.Array(
      Type.Object({ index: Type.Integer(), hash: Type.String(), sizeBytes: Type.Integer() }, closed),
    ),
  },
  closed,
);
const PAGE = 256;

export const activityBatchRoutes: Routes = (app, context) => {
  const { activities, books } = context;

  app.get(
    '/activities/:id/batches/:batchId',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'A batch and its results so far, waiting for its end if asked to',
        params: BatchParams,
        querystring: WaitQuery,
        response: answers({ 200: Batch }),
      },
    },
    async ({ params: { id, batchId }, query: { waitMs }, raw }) => {
      const batch = found('batch', batchId, await ownBatch(context, id, batchId));
      if (batch.finished || waitMs === 0) return batch;
      const ended = new AbortController();
      const abort = (): void => ended.abort();
      const cancel = context.clock.setTimer(abort, waitMs);
      raw.socket.once('close', abort);
      try {
        return await activities.waitBatch(id, batchId, AbortSignal.any([ended.signal, context.stopSignal]));
      } catch (error) {
        // The time is up, or nobody waits any more: what there is now is the answer.
        if (!ended.signal.aborted && !context.stopSignal.aborted) throw error;
        return found('batch', batchId, await ownBatch(context, id, batchId));
      } finally {
        cancel();
        raw.socket.removeListener('close', abort);
      }
    },
  );
  app.post(
    '/activities/:id/batches/:batchId/cancel',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'Kill the command that runs and end the batch; the activity goes on',
        params: BatchParams,
        headers: IdempotencyHeaders,
        body: NoBody,
        response: answers({ 200: Batch }),
      },
    },
    async (request, reply) => {
      const { id, batchId } = request.params;
      found('activity', id, await activities.get(id));
      return context.idempotency.once(request, reply, async () => ({
        status: 200,
        body: await activities.cancelBatch(id, batchId),
      }));
    },
  );
  app.get(
    '/activities/:id/result',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Exit code and outputs of the newest batch',
        params: IdParams,
        response: answers({ 200: ResultView }),
      },
    },
    async ({ params: { id } }) => {
      found('activity', id, await books.activities.get(id));
      return resultOf(found('batch of activity', id, await newestBatch(context, id)));
    },
  );
};

/** Of this node's books, so that a provider may look as well; kept under both ids, since requestors make them. */
async function ownBatch(
  { books }: RouteContext,
  activityId: string,
  batchId: string,
): Promise<Batch | undefined> {
  return books.batches.get(`${activityId}/${batchId}`);
}

/** Ids may be the caller's own, so the time counts. */
async function newestBatch({ books }: RouteContext, activity: string): Promise<Batch | undefined> {
  let newest: Batch | undefined;
  let after: string | undefined;
  do {
    const { items, next } = await books.batches.list({ limit: PAGE, after, where: { activity } });
    for (const batch of items) if (newest === undefined || batch.createdAt > newest.createdAt) newest = batch;
    after = next;
  } while (after !== undefined);
  return newest;
}

function resultOf({ activityId, batchId, finished, results }: Batch) {
  const last = results.findLast(({ exitCode }: CommandResult) => exitCode !== undefined);
  return {
    activityId,
    batchId,
    finished,
    ...(finished && { ok: results.every(({ result }) => result === 'Ok') }),
    ...(last?.exitCode !== undefined && { exitCode: last.exitCode }),
    results,
    outputs: results.flatMap(({ index, blob }) => (blob === undefined ? [] : [{ index, ...blob }])),
  };
}
