import type { Command } from 'commander';
import { Type, type Static } from 'typebox';
import { UsageSample } from '../../interface/index.ts';
import { ActivityRecord } from '../records.ts';
import type { Commands } from '../command.ts';
import { bytes, counter, time } from '../format.ts';
import { historyFields } from '../history-fields.ts';
import type { Output } from '../io.ts';
import { limitOption, type ListFlags } from '../list-flags.ts';
import { copyLog, followLog } from '../logs.ts';
import { fields } from '../table.ts';

type Activity = ActivityRecord;
const UsageView = Type.Object({
  activityId: Type.String(),
  state: Type.String(),
  usage: Type.Optional(UsageSample),
});
const path = (id: string): string => `/v1/activities/${encodeURIComponent(id)}`;

export function activityCommands(group: Command, commands: Commands): void {
  listCommand(group, commands);
  commands.add(
    group,
    {
      usage: 'show <id>',
      summary: 'one activity: states, reason, usage',
      examples: [['activity show ID', 'as text']],
    },
    () => undefined,
    async (session, [id = '']) => {
      const activity = await (await session.client()).get(path(id), ActivityRecord);
      await session.print(activity, () => describe(session.io.stdout, activity));
      return undefined;
    },
  );
  logsCommand(group, commands);
  holdCommands(group, commands);
  commands.add(
    group,
    {
      usage: 'usage <id>',
      summary: 'what it has used so far',
      examples: [['activity usage ID', 'each counter']],
    },
    () => undefined,
    async (session, [id = '']) => {
      const view = await (await session.client()).get(`${path(id)}/usage`, UsageView);
      await session.print(
        view,
        () => fields(session.io.stdout, usageFields(view.usage)) || 'nothing measured yet',
      );
      return undefined;
    },
  );
}

function listCommand(group: Command, commands: Commands): void {
  commands.add<ListFlags & { state?: string; agreement?: string; role?: string }>(
    group,
    {
      usage: 'list',
      summary: 'activities, newest first',
      examples: [
        ['activity list', 'of both roles'],
        ['activity list --role provider --state Running', 'what runs on this machine'],
      ],
    },
    (command) => {
      limitOption(command);
      command
        .option('--state <state>', 'only those in this state')
        .option('--agreement <id>', 'only those of this agreement')
        .option('--role <role>', 'only those in which this node is requestor, or provider');
    },
    async (session, _args, { limit, ...where }) => {
      const query = { state: where.state, agreement: where.agreement, role: where.role };
      const activities = await (await session.client()).list('/v1/activities', ActivityRecord, query, limit);
      const columns = [
        { title: 'ACTIVITY', value: (row: Activity) => row.activityId, whole: true },
        { title: 'ROLE', value: (row: Activity) => row.role },
        { title: 'STATE', value: stateOf },
        { title: 'REASON', value: (row: Activity) => row.reason?.code ?? '' },
        { title: 'STDOUT', value: (row: Activity) => bytes(row.stdoutBytes) },
        { title: 'CREATED', value: (row: Activity) => time(row.createdAt) },
        { title: 'AGREEMENT', value: (row: Activity) => row.agreementId },
      ];
      await session.printList(activities, columns, 'No activities yet.');
      return undefined;
    },
  );
}

function logsCommand(group: Command, commands: Commands): void {
  commands.add<{ follow?: boolean; stderr?: boolean }>(
    group,
    {
      usage: 'logs <id>',
      summary: 'what it has written, byte for byte',
      examples: [['activity logs ID -f', 'its stdout, until it has ended']],
    },
    (command) =>
      command
        .option('-f, --follow', 'go on until the activity has ended')
        .option('--stderr', 'its stderr instead of its stdout'),
    async (session, [id = ''], { follow, stderr }) => {
      const client = await session.client();
      const query = { stream: stderr === true ? 'stderr' : 'stdout' };
      const { io } = session;
      if (follow === true) await followLog(client, `${path(id)}/logs`, io.stdout, io, { query });
      else await copyLog(client, `${path(id)}/logs`, io.stdout, query);
      return undefined;
    },
  );
}

const HOLDING = {
  suspend: 'freeze a running activity, and its meter, until it is resumed; as its requestor or its provider',
  resume: 'let it go on, as far as this node held it',
} as const;

function holdCommands(group: Command, commands: Commands): void {
  for (const [word, summary] of Object.entries(HOLDING)) {
    commands.add(
      group,
      {
        usage: `${word} <id>`,
        summary,
        examples: [[`activity ${word} ID`, 'on whichever side this node is']],
      },
      () => undefined,
      async (session, [id = '']) => {
        const activity = await (await session.client()).post(`${path(id)}/${word}`, ActivityRecord);
        await session.print(activity, () => `${activity.activityId} is ${stateOf(activity)}`);
        return undefined;
      },
    );
  }
}

function describe(output: Output, activity: Activity): string {
  const { reason, unreachableSince } = activity;
  return fields(output, [
    ['activity', activity.activityId],
    ['agreement', activity.agreementId],
    ['role', activity.role],
    ['with', activity.address],
    ['package', activity.package?.hash],
    ['state', stateOf(activity)],
    ['unreachable', unreachableSince === undefined ? undefined : `since ${time(unreachableSince)}`],
    ['reason', reason && `${reason.code}: ${reason.message}`],
    ...historyFields(activity.history),
    ['stdout', bytes(activity.stdoutBytes)],
    ['stderr', bytes(activity.stderrBytes)],
    ...usageFields(activity.usage),
  ]);
}

function stateOf({ state, pending, holds = [] }: Activity): string {
  const word = pending === undefined ? state : `${state} → ${pending}`;
  return holds.length === 0 ? word : `${word} (held by ${holds.join(', ')})`;
}

function usageFields(usage: Static<typeof UsageSample> | undefined): [string, string][] {
  if (usage === undefined) return [];
  return [
    ['measured', `${time(usage.at)} (sample ${usage.sequence})`],
    ...Object.entries(usage.counters).map(([name, value]): [string, string] => [name, counter(value)]),
  ];
}
