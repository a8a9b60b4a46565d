import type { Command } from 'commander';
import { isFinalTaskState } from '../../interface/index.ts';
import type { Commands } from '../command.ts';
import { CliError } from '../errors.ts';
import { bytes, files, freed, time } from '../format.ts';
import { parseDuration } from '../parse.ts';
import { progress } from '../progress.ts';
import type { Session } from '../session.ts';
import { RemovedView, TaskView } from '../views.ts';

const pathOf = (taskId: string): string => `/v1/tasks/${encodeURIComponent(taskId)}`;

export function taskRemovalCommands(group: Command, commands: Commands): void {
  removeCommand(group, commands);
  pruneCommand(group, commands);
}

function removeCommand(group: Command, commands: Commands): void {
  commands.add(
    group,
    {
      usage: 'remove <id>',
      summary: 'remove a task that is over and settled, with its logs and files; its bills stay',
      examples: [['task remove ID', 'after task result has saved what is wanted of it']],
    },
    () => undefined,
    async (session, [id = '']) => {
      const done = await (await session.client()).delete(pathOf(id), RemovedView);
      await session.print(done, () =>
        done.removed ? `${id} is removed: ${freed(done)}` : `There is no task ${id}; nothing was removed`,
      );
      return undefined;
    },
  );
}

interface PruneFlags {
  readonly olderThan?: number;
  readonly dryRun?: boolean;
}

function pruneCommand(group: Command, commands: Commands): void {
  commands.add<PruneFlags>(
    group,
    {
      usage: 'prune',
      summary: 'remove all tasks that are over and settled since some time',
      examples: [
        ['task prune --older-than 30d --dry-run', 'which ones it would be'],
        ['task prune --older-than 30d', 'those that ended more than thirty days ago'],
      ],
    },
    (command) =>
      command
        .option('--older-than <duration>', 'only those that ended so long ago, e.g. 30d', parseDuration)
        .option('--dry-run', 'only show them'),
    async (session, _args, { olderThan, dryRun }) => {
      if (olderThan === undefined)
        throw new CliError('ERR_CLI_ARGUMENT', 'Say of what age: --older-than 30d; 0s is any', {});
      const old = await endedBefore(session, Date.now() - olderThan);
      if (dryRun === true) await show(session, old);
      else await removeAll(session, old);
      return undefined;
    },
  );
}

/** Those that a removal would not be refused of. */
async function endedBefore(session: Session, before: number): Promise<TaskView[]> {
  const tasks = await (await session.client()).list('/v1/tasks', TaskView, {}, Infinity);
  return tasks.filter(
    ({ state, stateChangedAt, attempts }) =>
      isFinalTaskState(state) && stateChangedAt < before && attempts.every(({ phase }) => phase === 'Done'),
  );
}

async function show(session: Session, tasks: readonly TaskView[]): Promise<void> {
  const columns = [
    { title: 'TASK', value: (task: TaskView) => task.taskId, whole: true },
    { title: 'NAME', value: (task: TaskView) => task.spec.name ?? task.spec.entryPoint },
    { title: 'STATE', value: (task: TaskView) => task.state },
    { title: 'ENDED', value: (task: TaskView) => time(task.stateChangedAt) },
  ];
  await session.printList(tasks, columns, 'No task is that old.');
}

async function removeAll(session: Session, tasks: readonly TaskView[]): Promise<void> {
  const client = await session.client();
  const sum = { tasks: 0, blobs: 0, freedBytes: 0 };
  const shown = await progress(session.io.stderr, session.json);
  try {
    for (const [at, { taskId }] of tasks.entries()) {
      shown.say(`removing ${at + 1} of ${tasks.length}`);
      const { removed, blobs, freedBytes } = await client.delete(pathOf(taskId), RemovedView);
      if (removed) sum.tasks += 1;
      sum.blobs += blobs;
      sum.freedBytes += freedBytes;
    }
  } finally {
    shown.clear();
  }
  const many = sum.tasks === 1 ? '1 task is' : `${sum.tasks} tasks are`;
  await session.print(sum, () =>
    sum.tasks === 0
      ? 'No task is that old.'
      : `${many} removed: ${files(sum.blobs)}, ${bytes(sum.freedBytes)} freed`,
  );
}
