import { Type } from 'typebox';
import type { PaymentRecord } from '../../../../interface/index.ts';
import type { ApiServer } from '../../../route.ts';
import { notFound } from '../errors.ts';
import { clientGone, hold } from '../hold.ts';
import { tokensOf } from '../money.ts';
import { platformParts } from '../platforms.ts';
import type { YagnaServices } from '../services.ts';
import { iso, parseMs, timeoutMs } from '../time.ts';
import { agreementNoteBucket } from '../market/records.ts';
import { isId } from '../is-id.ts';

const Text = Type.String({ maxLength: 256 });
const Query = Type.Object({
  timeout: Type.Optional(Type.String({ maxLength: 32 })),
  afterTimestamp: Type.Optional(Type.String({ maxLength: 64 })),
  maxEvents: Type.Optional(Type.Integer()),
  appSessionId: Type.Optional(Text),
  network: Type.Optional(Text),
  driver: Type.Optional(Text),
});
const Params = Type.Object({ id: Type.String({ maxLength: 512 }) });
const READ = { scope: 'read' } as const;
const PAGE = 500;

export function paymentRoutes(app: ApiServer, services: YagnaServices): void {
  const { context } = services;
  const all = async (invoice?: string): Promise<PaymentRecord[]> => {
    const found: PaymentRecord[] = [];
    let cursor: string | undefined;
    do {
      const page = await context.books.payments.list({ limit: PAGE, after: cursor, where: { invoice } });
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== undefined);
    return found.sort((a, b) => a.payment.createdAt - b.payment.createdAt);
  };
  const view = (record: PaymentRecord): Promise<PaymentBody> => paymentView(record, services);

  app.get('/payments', { config: READ, schema: { querystring: Query } }, async ({ query }, reply) => {
    const { maxEvents = 10, network, driver } = query;
    const afterMs = query.afterTimestamp === undefined ? 0 : parseMs(query.afterTimestamp);
    const types = ['payment.settled', 'payment.sent', 'payment.received'];
    const wait = {
      timeoutMs: timeoutMs(query.timeout),
      wakes: [
        (signal: AbortSignal) => context.events.follow({ after: context.events.last(), types }, signal),
      ],
      signal: clientGone(reply),
    };
    const found = await hold(context, wait, async () => {
      const views = await Promise.all((await all()).filter((it) => it.payment.createdAt > afterMs).map(view));
      const fitting = views.filter(({ paymentPlatform }) => {
        const parts = platformParts(paymentPlatform);
        return (
          (network === undefined || parts.network === network) &&
          (driver === undefined || parts.driver === driver)
        );
      });
      return fitting.length > 0 ? fitting.slice(0, Math.max(1, maxEvents)) : undefined;
    });
    return found ?? [];
  });
  app.get('/payments/status', { config: READ, schema: { querystring: Query } }, async () => []);
  app.get('/payments/:id', { config: READ, schema: { params: Params } }, async ({ params }) => {
    const found = (await all()).find(({ payment }) => payment.paymentId === params.id);
    if (found === undefined) throw notFound('payment', params.id);
    return view(found);
  });
  app.get('/invoices/:id/payments', { config: READ, schema: { params: Params } }, async ({ params }) => {
    const invoice = isId(params.id) ? await context.books.invoices.get(params.id) : undefined;
    if (invoice === undefined) throw notFound('invoice', params.id);
    return Promise.all((await all(params.id)).map(view));
  });
  // A debit note is paid with the invoice of its agreement.
  app.get('/debitNotes/:id/payments', { config: READ, schema: { params: Params } }, async ({ params }) => {
    const record = isId(params.id) ? await context.books.debitNotes.get(params.id) : undefined;
    const agreementId = record?.note.agreementId;
    if (agreementId === undefined) throw notFound('debit note', params.id);
    return Promise.all((await all()).filter(({ payment }) => payment.agreementId === agreementId).map(view));
  });
}

type PaymentBody = Readonly<Record<string, unknown>> & { readonly paymentPlatform: string };

async function paymentView(
  { payment }: PaymentRecord,
  { context, platforms }: YagnaServices,
): Promise<PaymentBody> {
  const note = await context.store.get(agreementNoteBucket, payment.agreementId);
  const amount = tokensOf(payment.amount, platforms.decimalsOf(payment.platform));
  const payer = payment.payer.toLowerCase();
  const payee = payment.payee.toLowerCase();
  return {
    paymentId: payment.paymentId,
    payerId: payer,
    payeeId: payee,
    payerAddr: payer,
    payeeAddr: payee,
    paymentPlatform: note?.platform ?? platforms.namesOf(payment.platform)[0] ?? payment.platform,
    amount,
    timestamp: iso(payment.createdAt),
    agreementPayments: [{ agreementId: payment.agreementId, amount }],
    activityPayments: [],
    // The signed payment: whoever doubts it can verify it.
    details: Buffer.from(JSON.stringify(payment)).toString('base64'),
  };
}
