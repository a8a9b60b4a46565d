import { Type } from 'typebox';
import type { ApiServer } from '../../../route.ts';
import { poll, PollQuery } from '../events/poll.ts';
import { sendJson, sendList } from '../reply.ts';
import type { YagnaServices } from '../services.ts';
import { parseMs } from '../time.ts';
import { AllocationAdapter } from './allocation-adapter.ts';
import { BillAdapter, type BillKind } from './bill-adapter.ts';

const Params = Type.Object({ billId: Type.String({ maxLength: 512 }) });
const List = Type.Object({
  afterTimestamp: Type.Optional(Type.String({ maxLength: 64 })),
  maxItems: Type.Optional(Type.Integer()),
});
const AcceptBody = Type.Object({
  totalAmountAccepted: Type.Union([Type.String({ maxLength: 64 }), Type.Number()]),
  allocationId: Type.String({ maxLength: 512 }),
});
const RejectBody = Type.Object({
  rejectionReason: Type.String({ maxLength: 64 }),
  message: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 65_536 })])),
});
const READ = { scope: 'read' } as const;
const ACT = { scope: 'requestor' } as const;
const SELL = { scope: 'provider' } as const;

const KINDS: readonly (readonly [kind: BillKind, path: string, events: string])[] = [
  ['debitNote', '/debitNotes', '/debitNoteEvents'],
  ['invoice', '/invoices', '/invoiceEvents'],
];

export function billRoutes(app: ApiServer, { context, platforms, recorder }: YagnaServices): void {
  const bills = new BillAdapter(context, platforms, new AllocationAdapter(context, platforms));
  for (const [kind, path, events] of KINDS) {
    app.get(events, { config: READ, schema: { querystring: PollQuery } }, ({ query }, reply) =>
      poll(context, recorder, kind, query, reply),
    );
    app.get(path, { config: READ, schema: { querystring: List } }, async ({ query }, reply) => {
      // Without `maxItems` Yagna gives all there are, and clients count on it.
      const { afterTimestamp, maxItems = Infinity } = query;
      const afterMs = afterTimestamp === undefined ? 0 : parseMs(afterTimestamp);
      return sendList(reply, bills.list(kind, afterMs, Math.max(1, maxItems)));
    });
    app.get(`${path}/:billId`, { config: READ, schema: { params: Params } }, async ({ params }) =>
      bills.view(kind, params.billId),
    );
    app.post(
      `${path}/:billId/accept`,
      { config: ACT, schema: { params: Params, body: AcceptBody } },
      async ({ params, body }, reply) => {
        const { totalAmountAccepted, allocationId } = body;
        await bills.accept(kind, params.billId, {
          totalAmountAccepted: String(totalAmountAccepted),
          allocationId,
        });
        return sendJson(reply, null);
      },
    );
    app.post(
      `${path}/:billId/reject`,
      { config: ACT, schema: { params: Params, body: RejectBody } },
      async ({ params, body }, reply) => {
        await bills.reject(kind, params.billId, body.rejectionReason, body.message ?? '');
        return sendJson(reply, null);
      },
    );
    app.post(
      `${path}/:billId/cancel`,
      { config: SELL, schema: { params: Params } },
      async ({ params }, reply) => {
        await bills.cancel(kind, params.billId);
        return sendJson(reply, null);
      },
    );
    app.post(
      `${path}/:billId/send`,
      { config: SELL, schema: { params: Params } },
      async ({ params }, reply) => {
        await bills.sent(kind, params.billId);
        return sendJson(reply, null);
      },
    );
  }
}
