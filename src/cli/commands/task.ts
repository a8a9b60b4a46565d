import type { Command } from 'commander';
import type { Commands } from '../command.ts';
import { amount, time } from '../format.ts';
import { copyLog, followLog } from '../logs.ts';
import { limitOption, type ListFlags } from '../list-flags.ts';
import { parseCount } from '../parse.ts';
import { isFinalTaskState } from '../../interface/index.ts';
import { TaskView } from '../views.ts';
import { EXIT_STATUS } from '../exit-status.ts';
import { taskRemovalCommands } from './task-removal.ts';
import { taskResultCommand } from './task-result.ts';
import { taskSubmitCommand } from './task-submit.ts';
import { describeTask } from './task-text.ts';

export function taskCommands(group: Command, commands: Commands): void {
  taskSubmitCommand(group, commands);
  listCommand(group, commands);
  showCommand(group, commands);
  logsCommand(group, commands);
  taskResultCommand(group, commands);
  cancelCommand(group, commands);
  taskRemovalCommands(group, commands);
}

function listCommand(group: Command, commands: Commands): void {
  commands.add<ListFlags & { state?: string }>(
    group,
    {
      usage: 'list',
      summary: 'tasks, newest first',
      examples: [
        ['task list', 'the newest 50'],
        ['task list --state Failed --json', 'what went wrong, for programs'],
      ],
    },
    (command) => {
      limitOption(command);
      command.option('--state <state>', 'only those in this state');
    },
    async (session, _args, { limit, state }) => {
      const tasks = await (await session.client()).list('/v1/tasks', TaskView, { state }, limit);
      const tokens = tasks.length > 0 && !session.json ? await session.tokens() : [];
      const columns = [
        { title: 'TASK', value: (task: TaskView) => task.taskId, whole: true },
        { title: 'NAME', value: (task: TaskView) => task.spec.name ?? task.spec.entryPoint },
        { title: 'STATE', value: (task: TaskView) => task.state },
        { title: 'EXIT', value: (task: TaskView) => String(task.result?.exitCode ?? '-') },
        {
          title: 'PROGRESS',
          value: (task: TaskView) => `${task.progress.percent}% ${task.progress.message}`,
        },
        { title: 'COST', value: ({ bill }: TaskView) => amount(bill.accepted, bill.platform, tokens) },
        { title: 'CREATED', value: (task: TaskView) => time(task.createdAt) },
      ];
      await session.printList(tasks, columns, 'No tasks. Submit one with `ergon task submit FILE.wasm`.');
      return undefined;
    },
  );
}

function showCommand(group: Command, commands: Commands): void {
  commands.add(
    group,
    {
      usage: 'show <id>',
      summary: 'one task: progress, attempts, result, bill',
      examples: [['task show ID', 'as text']],
    },
    () => undefined,
    async (session, [id = '']) => {
      const task = await (await session.client()).get(`/v1/tasks/${encodeURIComponent(id)}`, TaskView);
      await session.print(task, async () => describeTask(session.io.stdout, task, await session.tokens()));
      return undefined;
    },
  );
}

interface LogFlags {
  readonly follow?: boolean;
  readonly stderr?: boolean;
  readonly attempt?: number;
}

function logsCommand(group: Command, commands: Commands): void {
  commands.add<LogFlags>(
    group,
    {
      usage: 'logs <id>',
      summary: "the program's output, byte for byte",
      examples: [
        ['task logs ID > out.bin', 'its stdout so far'],
        ['task logs ID --stderr -f', 'its stderr, until it has ended'],
      ],
    },
    (command) =>
      command
        .option('-f, --follow', 'go on until the task has ended')
        .option('--stderr', 'its stderr instead of its stdout')
        .option('--attempt <number>', 'of this attempt (default: the latest)', parseCount),
    async (session, [id = ''], { follow, stderr, attempt }) => {
      const client = await session.client();
      const path = `/v1/tasks/${encodeURIComponent(id)}/logs`;
      const query = { stream: stderr === true ? 'stderr' : 'stdout', attempt };
      if (follow === true) await followLog(client, path, session.io.stdout, session.io, { query });
      else await copyLog(client, path, session.io.stdout, query);
      return undefined;
    },
  );
}

function cancelCommand(group: Command, commands: Commands): void {
  commands.add(
    group,
    {
      usage: 'cancel <id>',
      summary: 'stop a task; what it has used is paid',
      examples: [['task cancel ID', 'at once']],
    },
    () => undefined,
    async (session, [id = '']) => {
      const client = await session.client();
      const task = await client.post(`/v1/tasks/${encodeURIComponent(id)}/cancel`, TaskView);
      await session.print(
        task,
        () => `${task.taskId} ${isFinalTaskState(task.state) ? `is ${task.state}` : 'is being canceled'}`,
      );
      return EXIT_STATUS.ok;
    },
  );
}
