import { Type } from 'typebox';
import type { ApiServer } from '../../../route.ts';
import { clientGone, hold } from '../hold.ts';
import { sendJson } from '../reply.ts';
import type { YagnaServices } from '../services.ts';
import { iso, timeoutMs } from '../time.ts';
import { offerEventView } from './offer-event-view.ts';
import { toReply } from './properties.ts';
import { receivedView } from './proposal-view.ts';
import { Reason } from './reason.ts';

const Path = Type.String({ maxLength: 512 });
const OfferBody = Type.Object({
  properties: Type.Record(Type.String({ maxLength: 1024 }), Type.Unknown()),
  constraints: Type.String({ maxLength: 16_384 }),
});
const OfferParams = Type.Object({ subscriptionId: Path });
const ProposalParams = Type.Object({ subscriptionId: Path, proposalId: Path });
const EventQuery = Type.Object({
  timeout: Type.Optional(Type.String({ maxLength: 32 })),
  maxEvents: Type.Optional(Type.Integer()),
});
const MAX_EVENTS = 100;
const READ = { scope: 'read' } as const;
const SELL = { scope: 'provider' } as const;

/** What this node has on the market: its own offers, and those that clients publish by hand. */
export function offerRoutes(app: ApiServer, services: YagnaServices): void {
  const { context, platforms, offers } = services;
  app.get('/offers', { config: READ }, async () =>
    (await context.market.offers.own()).map((offer) => ({
      properties: toReply(offer.properties, platforms),
      constraints: offer.constraints,
      offerId: offer.offerId,
      providerId: offer.provider.toLowerCase(),
      timestamp: iso(offer.createdAt),
    })),
  );
  app.post('/offers', { config: SELL, schema: { body: OfferBody } }, async ({ body }, reply) => {
    const { properties, constraints } = body;
    return sendJson(reply, await offers.publish({ properties, constraints }), 201);
  });
  app.delete(
    '/offers/:subscriptionId',
    { config: SELL, schema: { params: OfferParams } },
    async (request, reply) => {
      await offers.close(request.params.subscriptionId);
      return reply.code(204).send();
    },
  );
  app.get(
    '/offers/:subscriptionId/events',
    { config: SELL, schema: { params: OfferParams, querystring: EventQuery } },
    async ({ params: { subscriptionId }, query: { timeout, maxEvents = 10 } }, reply) => {
      const max = Math.min(Math.max(1, maxEvents), MAX_EVENTS);
      const signal = clientGone(reply);
      const wait = { timeoutMs: timeoutMs(timeout), wakes: [offers.changed.notifications], signal };
      const taken = await hold(context, wait, async () => {
        // Also what says, in the middle of a wait, that the offer was withdrawn.
        await offers.get(subscriptionId);
        // What is taken is gone: nobody would hear of it.
        const found = signal.aborted ? [] : await offers.take(subscriptionId, max);
        return found.length > 0 ? found : undefined;
      });
      const views = await Promise.all((taken ?? []).map((event) => offerEventView(event, services)));
      return views.filter((view) => view !== undefined);
    },
  );
  proposalRoutes(app, services);
}

function proposalRoutes(app: ApiServer, { platforms, offers, me }: YagnaServices): void {
  const path = '/offers/:subscriptionId/proposals/:proposalId';
  app.get(path, { config: READ, schema: { params: ProposalParams } }, async ({ params }) => {
    const record = await offers.proposal(params.subscriptionId, params.proposalId);
    return receivedView(record, params.proposalId, platforms, me);
  });
  app.post(
    path,
    { config: SELL, schema: { params: ProposalParams, body: OfferBody } },
    async (request, reply) => {
      const { subscriptionId, proposalId } = request.params;
      const { properties, constraints } = request.body;
      return sendJson(
        reply,
        await offers.counter(subscriptionId, proposalId, { properties, constraints }),
        201,
      );
    },
  );
  app.post(
    `${path}/reject`,
    { config: SELL, schema: { params: ProposalParams, body: Reason } },
    async ({ params: { subscriptionId, proposalId }, body }, reply) => {
      await offers.reject(subscriptionId, proposalId, body?.message ?? 'Rejected by the provider');
      return reply.code(204).send();
    },
  );
}
