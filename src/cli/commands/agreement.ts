import type { Command } from 'commander';
import { AgreementRecord } from '../records.ts';
import { agreementDetails, type AgreementDetails } from '../agreement-details.ts';
import type { Commands } from '../command.ts';
import { EXIT_STATUS } from '../exit-status.ts';
import { time } from '../format.ts';
import { limitOption, type ListFlags } from '../list-flags.ts';
import { VerificationView } from '../views.ts';
import { describeAgreement, describeVerification } from './agreement-text.ts';

export function agreementCommands(group: Command, commands: Commands): void {
  listCommand(group, commands);
  showCommand(group, commands);
  verifyCommand(group, commands);
  terminateCommand(group, commands);
}

const path = (id: string): string => `/v1/agreements/${encodeURIComponent(id)}`;

function listCommand(group: Command, commands: Commands): void {
  commands.add<ListFlags & { state?: string; role?: string }>(
    group,
    {
      usage: 'list',
      summary: 'agreements, newest first',
      examples: [
        ['agreement list', 'of both roles'],
        ['agreement list --role provider --state Approved', 'what this node is working on for others'],
      ],
    },
    (command) => {
      limitOption(command);
      command
        .option('--state <state>', 'only those in this state')
        .option('--role <role>', 'only those in which this node is requestor, or provider');
    },
    async (session, _args, { limit, state, role }) => {
      const records = await (
        await session.client()
      ).list('/v1/agreements', AgreementRecord, { state, role }, limit);
      const other = ({ agreement, role: ours }: (typeof records)[number]): string =>
        ours === 'requestor' ? agreement.provider : agreement.requestor;
      type Row = (typeof records)[number];
      const columns = [
        { title: 'AGREEMENT', value: (row: Row) => row.agreement.agreementId, whole: true },
        { title: 'ROLE', value: (row: Row) => row.role },
        { title: 'STATE', value: (row: Row) => row.state },
        { title: 'WITH', value: other },
        { title: 'RUNTIME', value: (row: Row) => row.agreement.terms.runtime },
        { title: 'SINCE', value: (row: Row) => time(row.stateChangedAt) },
      ];
      await session.printList(records, columns, 'No agreements yet.');
      return undefined;
    },
  );
}

function showCommand(group: Command, commands: Commands): void {
  commands.add(
    group,
    {
      usage: 'show <id>',
      summary:
        'the whole story: parties, terms, price, signatures, activities, usage, what was billed and paid',
      examples: [
        ['agreement show ID', 'as text'],
        ['agreement show ID --json', 'all records, for programs'],
      ],
    },
    () => undefined,
    async (session, [id = '']) => {
      const details: AgreementDetails = await agreementDetails(await session.client(), id);
      await session.print(details, async () =>
        describeAgreement(session.io.stdout, details, await session.tokens()),
      );
      return undefined;
    },
  );
}

function verifyCommand(group: Command, commands: Commands): void {
  commands.add(
    group,
    {
      usage: 'verify <id>',
      summary: 'check digest and signatures anew; fails when one does not hold',
      examples: [['agreement verify ID && echo sound', 'in a script']],
    },
    () => undefined,
    async (session, [id = '']) => {
      const verification = await (await session.client()).get(`${path(id)}/verification`, VerificationView);
      await session.print(verification, () => describeVerification(session.io.stdout, verification));
      return verification.valid ? EXIT_STATUS.ok : EXIT_STATUS.notValid;
    },
  );
}

function terminateCommand(group: Command, commands: Commands): void {
  commands.add<{ reason?: string }>(
    group,
    {
      usage: 'terminate <id>',
      summary: 'end an agreement with a signed reason; its activities end with it',
      examples: [["agreement terminate ID --reason 'no longer needed'", 'in own words']],
    },
    (command) => command.option('--reason <text>', 'what the other party is told'),
    async (session, [id = ''], { reason }) => {
      const body = reason === undefined ? {} : { reason: { code: 'Requestor', message: reason } };
      const record = await (await session.client()).post(`${path(id)}/terminate`, AgreementRecord, body);
      await session.print(record, () => `${record.agreement.agreementId} is ${record.state}`);
      return undefined;
    },
  );
}
