import { Type } from 'typebox';
import type { ActivityRecord } from '../../../../interface/index.ts';
import { PROPERTY } from '../../../../interface/index.ts';
import type { ApiServer } from '../../../route.ts';
import { invalid } from '../errors.ts';
import { poll, PollQuery } from '../events/poll.ts';
import { clientGone, hold } from '../hold.ts';
import type { YagnaServices } from '../services.ts';
import { timeoutMs } from '../time.ts';
import { sendJson } from '../reply.ts';
import { activityOf } from './activity-of.ts';
import { batchRoutes } from './batch-routes.ts';
import { stateView, usageView } from './state-view.ts';

const Id = Type.String({ maxLength: 512 });
const Params = Type.Object({ activityId: Id });
const Timeout = Type.Object({ timeout: Type.Optional(Type.String({ maxLength: 32 })) });
const NewActivity = Type.Union([Id, Type.Object({ agreementId: Id })]);
const READ = { scope: 'read' } as const;
const ACT = { scope: 'requestor' } as const;
const SELL = { scope: 'provider' } as const;

/** Making, ending and looking at activities. */
export function activityRoutes(app: ApiServer, services: YagnaServices): void {
  const { context, agreements } = services;
  const get = (activityId: string): Promise<ActivityRecord> => activityOf(services, activityId);

  app.post('/activity', { config: ACT, schema: { body: NewActivity } }, async ({ body }, reply) => {
    const activityId = await createActivity(services, typeof body === 'string' ? body : body.agreementId);
    return sendJson(reply, typeof body === 'string' ? activityId : { activityId }, 201);
  });
  app.delete(
    '/activity/:activityId',
    { config: ACT, schema: { params: Params, querystring: Timeout } },
    async ({ params: { activityId }, query }, reply) => {
      await get(activityId);
      await context.activities.destroy(activityId);
      // Until it has ended, its agreement takes no other activity.
      const follow = { subject: activityId, after: context.events.last() };
      const wait = {
        timeoutMs: timeoutMs(query.timeout),
        wakes: [(signal: AbortSignal) => context.events.follow(follow, signal)],
        signal: clientGone(reply),
      };
      await hold(context, wait, async () => {
        const { state } = await get(activityId);
        return state === 'Completed' || state === 'Terminated' ? true : undefined;
      });
      return sendJson(reply, null);
    },
  );
  app.get(
    '/activity/:activityId/agreement',
    { config: READ, schema: { params: Params } },
    async ({ params }, reply) => sendJson(reply, (await get(params.activityId)).agreementId),
  );
  app.get('/activity/:activityId/state', { config: READ, schema: { params: Params } }, async ({ params }) =>
    stateView(await get(params.activityId)),
  );
  app.get('/activity/:activityId/usage', { config: READ, schema: { params: Params } }, async ({ params }) => {
    const record = await get(params.activityId);
    const { agreement } = await agreements.get(record.agreementId);
    return usageView(record, agreement.terms.pricing.counters);
  });
  app.get('/events', { config: SELL, schema: { querystring: PollQuery } }, ({ query }, reply) =>
    poll(context, services.recorder, 'activity', query, reply),
  );
  batchRoutes(app, services);
}

/** The package is brought here first, however long that takes: its provider will ask for it. */
async function createActivity(
  { context, agreements, packages }: YagnaServices,
  agreementId: string,
): Promise<string> {
  const { agreement } = await agreements.get(agreementId);
  const name = agreement.demand.properties[PROPERTY.taskPackage];
  if (typeof name !== 'string') throw invalid(`The demand names no ${PROPERTY.taskPackage}`);
  const taskPackage = await packages.resolve(name);
  const activityId = context.newId();
  const { hash, sizeBytes } = taskPackage;
  await context.activities.create({ activityId, agreementId, package: { hash, sizeBytes }, limits: {} });
  return activityId;
}
