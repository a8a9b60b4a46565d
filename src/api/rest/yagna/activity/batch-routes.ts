import { Type } from 'typebox';
import type { ApiServer } from '../../../route.ts';
import { wantsEvents } from '../../../sse.ts';
import { notFound, timedOut } from '../errors.ts';
import { clientGone, hold } from '../hold.ts';
import { isId } from '../is-id.ts';
import { sendJson } from '../reply.ts';
import type { YagnaServices } from '../services.ts';
import { timeoutMs } from '../time.ts';
import { activityOf } from './activity-of.ts';
import { resultViews, runningCommands, reportedResults, type BatchRecords } from './results.ts';
import { batchEvents } from './stream.ts';

const Id = Type.String({ maxLength: 512 });
const Params = Type.Object({ activityId: Id });
const BatchParams = Type.Object({ activityId: Id, batchId: Id });
const Script = Type.Object({ text: Type.String({ maxLength: 4 * 1024 * 1024 }) });
const Query = Type.Object({
  timeout: Type.Optional(Type.String({ maxLength: 32 })),
  commandIndex: Type.Optional(Type.Integer({ minimum: 0 })),
});
const READ = { scope: 'read' } as const;
const ACT = { scope: 'requestor' } as const;

/** Scripts of commands, and their results. */
export function batchRoutes(app: ApiServer, services: YagnaServices): void {
  const { context, batches } = services;
  const read = async (activityId: string, batchId: string): Promise<BatchRecords> => {
    if (!isId(activityId) || !isId(batchId)) throw notFound('batch', batchId);
    const note = await batches.note(activityId, batchId);
    const batch = await context.books.batches.get(`${activityId}/${batchId}`);
    if (note === undefined && batch === undefined) throw notFound('batch', batchId);
    return { activityId, note, batch };
  };

  app.post(
    '/activity/:activityId/exec',
    { config: ACT, schema: { params: Params, body: Script } },
    async (request, reply) => {
      const { activityId } = request.params;
      await activityOf(services, activityId);
      return sendJson(reply, await batches.exec(activityId, request.body.text));
    },
  );
  app.get(
    '/activity/:activityId/exec/:batchId',
    { config: READ, schema: { params: BatchParams, querystring: Query } },
    async (request, reply) => {
      const { activityId, batchId } = request.params;
      await read(activityId, batchId);
      if (wantsEvents(request)) {
        const last = request.headers['last-event-id'];
        const from = typeof last === 'string' ? last : undefined;
        return context.streams.send(reply, (signal) =>
          batchEvents(context, () => read(activityId, batchId), from, signal),
        );
      }
      const { timeout, commandIndex } = request.query;
      const follow = { subject: activityId, after: context.events.last() };
      const wait = {
        timeoutMs: timeoutMs(timeout),
        wakes: [
          batches.changed.notifications,
          (signal: AbortSignal) => context.events.follow(follow, signal),
        ],
        signal: clientGone(reply),
      };
      const told = await hold(context, wait, async () => {
        const now = await read(activityId, batchId);
        const { results, finished } = reportedResults(now);
        const enough = finished || (commandIndex !== undefined && results.length > commandIndex);
        return enough ? now : undefined;
      });
      if (told === undefined && commandIndex !== undefined)
        throw timedOut(`Command ${commandIndex} has not finished yet`);
      const views = await resultViews(context, told ?? (await read(activityId, batchId)));
      return commandIndex === undefined ? views : views.slice(0, commandIndex + 1);
    },
  );
  app.get(
    '/activity/:activityId/command',
    { config: READ, schema: { params: Params } },
    async ({ params }) => {
      const { activityId } = params;
      const record = await activityOf(services, activityId);
      const open = await batches.open();
      const here = open.filter((note) => note.activityId === activityId);
      return runningCommands(record, await Promise.all(here.map(({ batchId }) => read(activityId, batchId))));
    },
  );
}
