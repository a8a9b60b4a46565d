import type { Command } from 'commander';
import { join } from 'node:path';
import type { Commands } from '../command.ts';
import { CliError } from '../errors.ts';
import { bytes } from '../format.ts';
import { collect, parseOutput } from '../parse.ts';
import { saveBlob } from '../save-output.ts';
import type { Session } from '../session.ts';
import { TaskView } from '../views.ts';

interface ResultFlags {
  readonly output?: readonly string[];
  readonly dir?: string;
}

export function taskResultCommand(group: Command, commands: Commands): void {
  commands.add<ResultFlags>(
    group,
    {
      usage: 'result <id>',
      summary: 'exit code and output files of a task; downloads those that are asked for',
      examples: [
        ['task result ID', 'what there is'],
        ['task result ID --output /out.js:./out.js', 'one file'],
        ['task result ID --dir ./results', 'all of them, under their paths'],
      ],
    },
    (command) =>
      command
        .option('--output </guest:LOCAL>', 'download this file (repeatable)', collect)
        .option('--dir <path>', 'download all files into this directory'),
    async (session, [id = ''], { output = [], dir }) => {
      const task = await (await session.client()).get(`/v1/tasks/${encodeURIComponent(id)}`, TaskView);
      const outputs = task.result?.outputs ?? [];
      if (output.length > 0) await saveOutputs(session, task, output);
      if (dir !== undefined) {
        // Paths of the provider's are not trusted: `..` would leave the directory.
        const plain = outputs.filter(({ path }) => !path.split('/').includes('..'));
        for (const file of plain) await saveBlob(await session.client(), file.blob, join(dir, file.path));
      }
      await session.print({ taskId: task.taskId, state: task.state, ...task.result }, () =>
        [
          `${task.state}${task.result?.exitCode === undefined ? '' : `, exit code ${task.result.exitCode}`}`,
          ...outputs.map((file) => `${file.path}  ${bytes(file.sizeBytes)}  ${file.blob}`),
        ].join('\n'),
      );
      return undefined;
    },
  );
}

/** Downloads `/guest:LOCAL` files of an ended task. */
export async function saveOutputs(
  session: Session,
  task: TaskView,
  wanted: readonly string[],
): Promise<void> {
  const client = await session.client();
  for (const { guest, local } of wanted.map(parseOutput)) {
    const file = task.result?.outputs.find(({ path }) => path === guest);
    if (file === undefined) {
      const there = task.result?.outputs.map(({ path }) => path).join(', ') ?? '';
      throw new CliError(
        'ERR_CLI_FILE',
        `Task ${task.taskId} (${task.state}) has no output ${guest}; it has: ${there || 'none'}`,
        {
          guest,
        },
      );
    }
    await saveBlob(client, file.blob, local);
    await session.note(`${guest} → ${local} (${bytes(file.sizeBytes)})`);
  }
}
