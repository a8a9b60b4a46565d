import type { Command } from 'commander';
import { DebitNoteRecord, InvoiceRecord } from '../records.ts';
import type { Commands } from '../command.ts';
import { amount, counter, time, type Token } from '../format.ts';
import { historyFields } from '../history-fields.ts';
import { limitOption, type ListFlags } from '../list-flags.ts';
import { fields } from '../table.ts';

type Note = DebitNoteRecord;
type Bill = InvoiceRecord;

interface BillFlags extends ListFlags {
  readonly agreement?: string;
  readonly state?: string;
}

function filters(command: Command): void {
  limitOption(command);
  command
    .option('--agreement <id>', 'only those of this agreement')
    .option('--state <state>', 'only those in this state');
}

const decided = (record: Note | Bill): string =>
  record.decision?.reason === undefined ? record.state : `${record.state}: ${record.decision.reason.message}`;

export function debitNoteCommands(group: Command, commands: Commands): void {
  commands.add<BillFlags>(
    group,
    {
      usage: 'list',
      summary: 'debit notes, newest first',
      examples: [['debit-note list --agreement ID', 'of one agreement']],
    },
    filters,
    async (session, _args, { limit, agreement, state }) => {
      const notes = await (
        await session.client()
      ).list('/v1/debit-notes', DebitNoteRecord, { agreement, state }, limit);
      const tokens: readonly Token[] = session.json ? [] : await session.tokens();
      const columns = [
        { title: 'DEBIT NOTE', value: ({ note }: Note) => note.debitNoteId, whole: true },
        { title: 'ROLE', value: ({ role }: Note) => role },
        { title: 'STATE', value: decided },
        { title: 'NO', value: ({ note }: Note) => `${note.sequence}${note.final ? ' (final)' : ''}` },
        {
          title: 'AMOUNT',
          value: ({ note }: Note) => amount(note.totalAmountDue, note.platform, tokens),
          whole: true,
        },
        { title: 'CREATED', value: ({ note }: Note) => time(note.createdAt) },
        { title: 'ACTIVITY', value: ({ note }: Note) => note.activityId },
      ];
      await session.printList(notes, columns, 'No debit notes yet.');
      return undefined;
    },
  );
  commands.add(
    group,
    {
      usage: 'show <id>',
      summary: 'one debit note, with the usage that it bills',
      examples: [['debit-note show ID', 'as text']],
    },
    () => undefined,
    async (session, [id = '']) => {
      const record = await (
        await session.client()
      ).get(`/v1/debit-notes/${encodeURIComponent(id)}`, DebitNoteRecord);
      await session.print(record, async () => {
        const { note } = record;
        return fields(session.io.stdout, [
          ['debit note', note.debitNoteId],
          ['state', decided(record)],
          ...historyFields(record.history),
          ['amount', amount(note.totalAmountDue, note.platform, await session.tokens())],
          ['number', `${note.sequence}${note.final ? ' (final)' : ''}`],
          ['issuer', note.issuer],
          ['recipient', note.recipient],
          ['agreement', note.agreementId],
          ['activity', note.activityId],
          ['samples', `1 to ${note.samples.last}, hash ${note.samples.hash}`],
          ...Object.entries(note.usage).map(([name, value]): [string, string] => [name, counter(value)]),
        ]);
      });
      return undefined;
    },
  );
}

export function invoiceCommands(group: Command, commands: Commands): void {
  commands.add<BillFlags>(
    group,
    {
      usage: 'list',
      summary: 'invoices, newest first',
      examples: [['invoice list --state Accepted', 'not settled yet']],
    },
    filters,
    async (session, _args, { limit, agreement, state }) => {
      const bills = await (
        await session.client()
      ).list('/v1/invoices', InvoiceRecord, { agreement, state }, limit);
      const tokens: readonly Token[] = session.json ? [] : await session.tokens();
      const columns = [
        { title: 'INVOICE', value: ({ invoice }: Bill) => invoice.invoiceId, whole: true },
        { title: 'ROLE', value: ({ role }: Bill) => role },
        { title: 'STATE', value: decided },
        {
          title: 'AMOUNT',
          value: ({ invoice }: Bill) => amount(invoice.amount, invoice.platform, tokens),
          whole: true,
        },
        { title: 'DUE', value: ({ invoice }: Bill) => time(invoice.paymentDueAt) },
        { title: 'AGREEMENT', value: ({ invoice }: Bill) => invoice.agreementId },
      ];
      await session.printList(bills, columns, 'No invoices yet.');
      return undefined;
    },
  );
  commands.add(
    group,
    {
      usage: 'show <id>',
      summary: 'one invoice, with the activities that it bills',
      examples: [['invoice show ID', 'as text']],
    },
    () => undefined,
    async (session, [id = '']) => {
      const record = await (
        await session.client()
      ).get(`/v1/invoices/${encodeURIComponent(id)}`, InvoiceRecord);
      await session.print(record, async () => {
        const { invoice } = record;
        const tokens = await session.tokens();
        return fields(session.io.stdout, [
          ['invoice', invoice.invoiceId],
          ['state', decided(record)],
          ...historyFields(record.history),
          ['amount', amount(invoice.amount, invoice.platform, tokens)],
          ['due', time(invoice.paymentDueAt)],
          ['issuer', invoice.issuer],
          ['recipient', invoice.recipient],
          ['agreement', invoice.agreementId],
          ['payment', record.paymentId],
          ...invoice.activities.map((line): [string, string] => [
            'activity',
            `${line.activityId}: ${amount(line.amount, invoice.platform, tokens)} (debit note ${line.debitNoteId})`,
          ]),
        ]);
      });
      return undefined;
    },
  );
}
