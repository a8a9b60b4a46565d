import type { AgreementDetails } from '../agreement-details.ts';
import { amount, bytes, counter, duration, time, type Token } from '../format.ts';
import { historyFields } from '../history-fields.ts';
import type { Output } from '../io.ts';
import { style } from '../style.ts';
import { fields, table } from '../table.ts';
import type { VerificationView } from '../views.ts';

/** The owner's view of an agreement: who, what, at which price, how it went, what it cost. */
export async function describeAgreement(
  output: Output,
  details: AgreementDetails,
  tokens: readonly Token[],
): Promise<string> {
  const { verification } = details;
  const { platform } = details.agreement.agreement.terms.pricing;
  const money = (units: string): string => amount(units, platform, tokens);
  const sections: [string, string][] = [
    ['Agreement', partiesAndStates(output, details)],
    ['Terms', terms(output, details)],
    ['Price', price(output, details, money)],
    ['Signatures', describeVerification(output, verification)],
    ['Activities', await activities(output, details)],
    ['Debit notes', await debitNotes(output, details, money)],
    ['Invoices', await invoices(output, details, money)],
    ['Payments', await payments(output, details, money)],
    [
      'In all',
      fields(output, [
        ['billed', money(details.sums.billed)],
        ['accepted', money(details.sums.accepted)],
        ['paid', money(details.sums.paid)],
      ]),
    ],
  ];
  return sections
    .map(([title, text]) => `${style(output, ['bold', 'underline'], title)}\n${text}`)
    .join('\n\n');
}

export function describeVerification(output: Output, verification: VerificationView): string {
  const mark = (ok: boolean, text: string): string => style(output, ok ? 'green' : 'red', text);
  const lines = verification.signatures.map(({ document, party, address, status, message }) => {
    const said = message === undefined ? '' : ` ${message}`;
    return `${mark(status === 'valid', status.padEnd(8))} ${document} by the ${party} ${address}${said}`;
  });
  const { matches, computed } = verification.digest;
  return [
    ...lines,
    `${mark(matches, (matches ? 'valid' : 'changed').padEnd(8))} digest ${computed}`,
    mark(verification.valid, verification.valid ? 'All of it holds.' : 'It does NOT hold.'),
  ].join('\n');
}

function partiesAndStates(output: Output, { agreement: record }: AgreementDetails): string {
  const { agreement, role, history, termination, reason } = record;
  const us = (party: string): string => (role === party ? ' (this node)' : '');
  const ended = termination ?? (reason && { by: undefined, reason });
  return fields(output, [
    ['id', agreement.agreementId],
    ['requestor', `${agreement.requestor}${us('requestor')}`],
    ['provider', `${agreement.provider}${us('provider')}`],
    ['state', `${record.state} since ${time(record.stateChangedAt)}`],
    ...historyFields(history),
    ['approved', record.approvedAt === undefined ? undefined : time(record.approvedAt)],
    [
      'ended',
      ended &&
        `${ended.by === undefined ? '' : `by the ${ended.by}: `}${ended.reason.code}: ${ended.reason.message}`,
    ],
    ['created', time(agreement.createdAt)],
    ['expires', time(agreement.expiresAt)],
  ]);
}

function terms(output: Output, { agreement: { agreement } }: AgreementDetails): string {
  const { runtime, resources, ...periods } = agreement.terms;
  return fields(output, [
    ['runtime', runtime],
    ['cpu', `${resources.cpuThreads} thread(s)`],
    ['memory', bytes(resources.memoryBytes)],
    ['storage', bytes(resources.storageBytes)],
    ['output', `${bytes(periods.maxOutputBytes)} of stdout and stderr each`],
    [
      'debit notes',
      `every ${duration(periods.debitNoteIntervalMs)}, to be accepted within ${duration(periods.debitNoteAcceptTimeoutMs)}`,
    ],
    ['payment', `within ${duration(periods.paymentTimeoutMs)} of the invoice`],
    ['idle', `ends after ${duration(periods.idleTimeoutMs)} without an activity`],
    ['constraints', agreement.demand.constraints === '' ? undefined : agreement.demand.constraints],
  ]);
}

function price(
  output: Output,
  { agreement: { agreement } }: AgreementDetails,
  money: (units: string) => string,
): string {
  const { pricing } = agreement.terms;
  return fields(output, [
    ['start', money(pricing.startPrice)],
    ...pricing.counters.map((name, at): [string, string] => [
      name,
      `${money(pricing.coefficients[at] ?? '0')} per unit`,
    ]),
    ['counts from', pricing.deploymentBilled === true ? 'the deployment on' : 'the start on'],
  ]);
}

async function activities(output: Output, details: AgreementDetails): Promise<string> {
  if (details.activities.length === 0) return 'none';
  const lines = details.activities.map((activity) =>
    fields(output, [
      ['activity', activity.activityId],
      ['state', activity.state + (activity.pending === undefined ? '' : ` → ${activity.pending}`)],
      ['reason', activity.reason && `${activity.reason.code}: ${activity.reason.message}`],
      ...historyFields(activity.history),
      ...Object.entries(activity.usage?.counters ?? {}).map(([name, value], index): [string, string] => [
        index === 0 ? 'usage' : '',
        `${counter(value)} ${name}`,
      ]),
      ['output', `stdout ${bytes(activity.stdoutBytes)}, stderr ${bytes(activity.stderrBytes)}`],
    ]),
  );
  return lines.join('\n\n');
}

type Money = (units: string) => string;

async function debitNotes(
  output: Output,
  { debitNotes: notes }: AgreementDetails,
  money: Money,
): Promise<string> {
  if (notes.length === 0) return 'none';
  type Row = (typeof notes)[number];
  return table(output, [...notes].reverse(), [
    { title: 'DEBIT NOTE', value: ({ note }: Row) => note.debitNoteId, whole: true },
    { title: 'NO', value: ({ note }: Row) => `${note.sequence}${note.final ? ' (final)' : ''}` },
    { title: 'AMOUNT', value: ({ note }: Row) => money(note.totalAmountDue), whole: true },
    { title: 'STATE', value: ({ state }: Row) => state },
    { title: 'WHY', value: ({ decision }: Row) => decision?.reason?.message ?? '' },
    { title: 'AT', value: ({ note }: Row) => time(note.createdAt) },
  ]);
}

async function invoices(
  output: Output,
  { invoices: records }: AgreementDetails,
  money: Money,
): Promise<string> {
  if (records.length === 0) return 'none';
  type Row = (typeof records)[number];
  return table(output, records, [
    { title: 'INVOICE', value: ({ invoice }: Row) => invoice.invoiceId, whole: true },
    { title: 'AMOUNT', value: ({ invoice }: Row) => money(invoice.amount), whole: true },
    { title: 'STATE', value: ({ state }: Row) => state },
    { title: 'DUE', value: ({ invoice }: Row) => time(invoice.paymentDueAt) },
  ]);
}

async function payments(
  output: Output,
  { payments: records }: AgreementDetails,
  money: Money,
): Promise<string> {
  if (records.length === 0) return 'none';
  type Row = (typeof records)[number];
  return table(output, records, [
    { title: 'PAYMENT', value: ({ payment }: Row) => payment.paymentId, whole: true },
    { title: 'DIRECTION', value: ({ direction }: Row) => direction },
    { title: 'AMOUNT', value: ({ payment }: Row) => money(payment.amount), whole: true },
    { title: 'STATE', value: ({ state }: Row) => state },
    { title: 'AT', value: (row: Row) => time(row.stateChangedAt) },
  ]);
}
