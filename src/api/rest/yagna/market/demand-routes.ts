import { Type } from 'typebox';
import type { ApiServer } from '../../../route.ts';
import { answered, clientGone, hold } from '../hold.ts';
import { sendJson } from '../reply.ts';
import type { YagnaServices } from '../services.ts';
import { demandEventView, proposalView } from './proposal-view.ts';
import { Reason } from './reason.ts';
import { iso, timeoutMs } from '../time.ts';

const Path = Type.String({ maxLength: 512 });
const DemandBody = Type.Object({
  properties: Type.Record(Type.String({ maxLength: 1024 }), Type.Unknown()),
  constraints: Type.String({ maxLength: 16_384 }),
});
const DemandParams = Type.Object({ demandId: Path });
const ProposalParams = Type.Object({ demandId: Path, proposalId: Path });
const EventQuery = Type.Object({
  timeout: Type.Optional(Type.String({ maxLength: 32 })),
  maxEvents: Type.Optional(Type.Integer()),
});
const MAX_EVENTS = 100;
const READ = { scope: 'read' } as const;
const ACT = { scope: 'requestor' } as const;

export function demandRoutes(
  app: ApiServer,
  { context, me, platforms, demands, negotiations }: YagnaServices,
): void {
  app.post('/demands', { config: ACT, schema: { body: DemandBody } }, async (request, reply) => {
    const { properties, constraints } = request.body;
    const { demandId } = await demands.publish({ properties, constraints });
    return sendJson(reply, demandId, 201);
  });
  app.get('/demands', { config: READ }, async () =>
    (await demands.open()).map(({ demandId, client, createdAt }) => ({
      ...client,
      demandId,
      requestorId: me,
      timestamp: iso(createdAt),
    })),
  );
  app.delete(
    '/demands/:demandId',
    { config: ACT, schema: { params: DemandParams } },
    async (request, reply) => {
      await demands.close(request.params.demandId);
      return reply.code(204).send();
    },
  );
  app.get(
    '/demands/:demandId/events',
    { config: ACT, schema: { params: DemandParams, querystring: EventQuery } },
    async ({ params: { demandId }, query: { timeout, maxEvents = 10 } }, reply) => {
      const max = Math.min(Math.max(1, maxEvents), MAX_EVENTS);
      const signal = clientGone(reply);
      const wait = { timeoutMs: timeoutMs(timeout), wakes: [demands.changed.notifications], signal };
      const taken = await hold(context, wait, async () => {
        // Also what says, in the middle of a wait, that the demand was withdrawn.
        await demands.get(demandId);
        // What is taken is gone: nobody would hear of it.
        const found = signal.aborted ? [] : await demands.take(demandId, max);
        return found.length > 0 ? found : undefined;
      });
      return (taken ?? []).map((each) => demandEventView(each, platforms, me));
    },
  );
  app.post(
    '/demands/:demandId/proposals/:proposalId',
    { config: ACT, schema: { params: ProposalParams, body: DemandBody } },
    async ({ params: { demandId, proposalId }, body: { properties, constraints } }, reply) => {
      const counter = await negotiations.counter(demandId, proposalId, { properties, constraints });
      return sendJson(reply, counter.proposalId);
    },
  );
  app.get(
    '/demands/:demandId/proposals/:proposalId',
    { config: READ, schema: { params: ProposalParams } },
    async ({ params: { demandId, proposalId } }, reply) => {
      const proposal = await negotiations.get(demandId, proposalId);
      void answered(reply).then(() => negotiations.wasRead(proposalId));
      return proposalView(proposal, platforms, me);
    },
  );
  app.post(
    '/demands/:demandId/proposals/:proposalId/reject',
    { config: ACT, schema: { params: ProposalParams, body: Reason } },
    async ({ params: { demandId, proposalId }, body }, reply) => {
      await negotiations.reject(demandId, proposalId, body?.message ?? 'Rejected by the requestor');
      return reply.code(204).send();
    },
  );
}
