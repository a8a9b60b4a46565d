import { Type } from 'typebox';
import type { PaymentRecord } from '../../../../interface/index.ts';
import type { Collection, CollectionPage } from '../../../collection.ts';
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
  const found = (where: { invoice?: string; agreement?: string }): Promise<PaymentRecord[]> =>
    oldestPayments(context.books.payments, where, async () => true);
  const view = (record: PaymentRecord): Promise<object> => paymentView(record, services);

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
    const fits = async (record: PaymentRecord): Promise<boolean> => {
      if (bookedAt(record) <= afterMs) return false;
      if (network === undefined && driver === undefined) return true;
      const parts = platformParts(await platformOf(record, services));
      return (network ?? parts.network) === parts.network && (driver ?? parts.driver) === parts.driver;
    };
    const payments = await hold(context, wait, async () => {
      const fitting = await oldestPayments(context.books.payments, {}, fits, Math.max(1, maxEvents));
      return fitting.length > 0 ? fitting : undefined;
    });
    return Promise.all((payments ?? []).map(view));
  });
  app.get('/payments/status', { config: READ, schema: { querystring: Query } }, async () => []);
  app.get('/payments/:id', { config: READ, schema: { params: Params } }, async ({ params }) => {
    const where = { payment: params.id };
    const [payment] = isId(params.id) ? (await context.books.payments.list({ limit: 1, where })).items : [];
    if (payment === undefined) throw notFound('payment', params.id);
    return view(payment);
  });
  app.get('/invoices/:id/payments', { config: READ, schema: { params: Params } }, async ({ params }) => {
    const invoice = isId(params.id) ? await context.books.invoices.get(params.id) : undefined;
    if (invoice === undefined) throw notFound('invoice', params.id);
    return Promise.all((await found({ invoice: params.id })).map(view));
  });
  // A debit note is paid with the invoice of its agreement.
  app.get('/debitNotes/:id/payments', { config: READ, schema: { params: Params } }, async ({ params }) => {
    const record = isId(params.id) ? await context.books.debitNotes.get(params.id) : undefined;
    const agreementId = record?.note.agreementId;
    if (agreementId === undefined) throw notFound('debit note', params.id);
    return Promise.all((await found({ agreement: agreementId })).map(view));
  });
}

/** The oldest `max` that fit. All are looked at, since they are kept by counterparty, but only so many held. */
async function oldestPayments(
  payments: Collection<PaymentRecord>,
  where: Readonly<Record<string, string>>,
  fits: (record: PaymentRecord) => Promise<boolean>,
  max = Infinity,
): Promise<PaymentRecord[]> {
  let found: PaymentRecord[] = [];
  let cursor: string | undefined;
  do {
    const page: CollectionPage<PaymentRecord> = await payments.list({ limit: PAGE, after: cursor, where });
    for (const record of page.items) if (await fits(record)) found.push(record);
    found = found.sort((a, b) => bookedAt(a) - bookedAt(b)).slice(0, max);
    cursor = page.next;
  } while (cursor !== undefined);
  return found;
}

/** By this node's clock: whoever asks for what came after a time would miss payments of those whose clocks are slow. */
function bookedAt({ payment, receipt, direction }: PaymentRecord): number {
  return direction === 'received' && receipt !== undefined ? receipt.at : payment.createdAt;
}

/** By the name that its client knows it by. */
async function platformOf(
  { payment: { agreementId, platform } }: PaymentRecord,
  { context, platforms }: YagnaServices,
): Promise<string> {
  const note = await context.store.get(agreementNoteBucket, agreementId);
  return note?.platform ?? platforms.namesOf(platform)[0] ?? platform;
}

async function paymentView(record: PaymentRecord, services: YagnaServices): Promise<object> {
  const { payment } = record;
  const { platforms } = services;
  const amount = tokensOf(payment.amount, platforms.decimalsOf(payment.platform));
  const payer = payment.payer.toLowerCase();
  const payee = payment.payee.toLowerCase();
  return {
    paymentId: payment.paymentId,
    payerId: payer,
    payeeId: payee,
    payerAddr: payer,
    payeeAddr: payee,
    paymentPlatform: await platformOf(record, services),
    amount,
    timestamp: iso(bookedAt(record)),
    agreementPayments: [{ agreementId: payment.agreementId, amount }],
    activityPayments: [],
    // The signed payment: whoever doubts it can verify it.
    details: Buffer.from(JSON.stringify(payment)).toString('base64'),
  };
}
