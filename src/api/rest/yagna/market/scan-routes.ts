import { Type } from 'typebox';
import { isErgonError } from '../../../../interface/index.ts';
import { DAY_MS } from '../../../../util/durations.ts';
import type { ApiServer } from '../../../route.ts';
import { wantsEvents, type SseMessage } from '../../../sse.ts';
import { invalid } from '../errors.ts';
import { clientGone, hold } from '../hold.ts';
import { sendJson } from '../reply.ts';
import type { YagnaServices } from '../services.ts';
import { timeoutMs } from '../time.ts';

const Params = Type.Object({ scanId: Type.String({ maxLength: 512 }) });
const NewScan = Type.Object({
  type: Type.String({ maxLength: 32 }),
  timeout: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400 })),
  constraints: Type.Optional(Type.String({ maxLength: 16_384 })),
});
const Query = Type.Object({
  timeout: Type.Optional(Type.String({ maxLength: 32 })),
  maxEvents: Type.Optional(Type.Integer()),
  peerId: Type.Optional(Type.String({ maxLength: 128 })),
});
const CONFIG = { scope: 'read' } as const;
const MAX_EVENTS = 100;

export function scanRoutes(app: ApiServer, { context, scans }: YagnaServices): void {
  app.post('/scan', { config: CONFIG, schema: { body: NewScan } }, async ({ body }, reply) => {
    if (body.type !== 'offer')
      throw invalid('Only offers can be scanned here: requestors do not publish their demands');
    const idleMs = body.timeout === undefined ? undefined : body.timeout * 1000;
    return sendJson(reply, scans.begin(body.constraints ?? '(&)', idleMs), 201);
  });
  app.get(
    '/scan/:scanId/events',
    { config: CONFIG, schema: { params: Params, querystring: Query } },
    async (request, reply) => {
      const { scanId } = request.params;
      const { timeout, maxEvents = 10, peerId } = request.query;
      if (wantsEvents(request)) {
        const done = scans.read(scanId);
        return context.streams.send(reply, (signal) => stream(scanId, signal, done));
      }
      const wait = { timeoutMs: timeoutMs(timeout), wakes: scans.wakes, signal: clientGone(reply) };
      const found = await hold(context, wait, async () => {
        const offers = scans.next(scanId, Math.min(Math.max(1, maxEvents), MAX_EVENTS), peerId);
        return offers.length > 0 ? offers : undefined;
      });
      return found ?? [];
    },
  );
  app.delete('/scan/:scanId', { config: CONFIG, schema: { params: Params } }, async ({ params }, reply) => {
    scans.end(params.scanId);
    return reply.code(204).send();
  });
  // The specification names this path, clients use the other.
  app.delete(
    '/scan/:scanId/events',
    { config: CONFIG, schema: { params: Params } },
    async ({ params }, reply) => {
      scans.end(params.scanId);
      return reply.code(201).send();
    },
  );

  async function* stream(scanId: string, signal: AbortSignal, done: () => void): AsyncGenerator<SseMessage> {
    try {
      while (!signal.aborted) {
        const wait = { timeoutMs: DAY_MS, wakes: scans.wakes, signal };
        const found = await hold(context, wait, async () => {
          const offers = scans.next(scanId, MAX_EVENTS);
          return offers.length > 0 ? offers : undefined;
        });
        for (const offer of found ?? []) yield { event: 'offer', data: JSON.stringify(offer) };
      }
    } catch (error) {
      // The client has ended the scan.
      if (!isErgonError(error, 'ERR_YAGNA_NOT_FOUND')) throw error;
    } finally {
      done();
    }
  }
}
