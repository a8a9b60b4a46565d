import type { Command } from 'commander';
import { join } from 'node:path';
import { Type } from 'typebox';
import { isErgonError } from '../../interface/errors.ts';
import type { StoreReport } from '../../store/index.ts';
import type { Commands } from '../command.ts';
import { EXIT_STATUS } from '../exit-status.ts';
import { time } from '../format.ts';
import type { Session } from '../session.ts';
import { fields } from '../table.ts';

const Backup = Type.Object({ path: Type.String(), records: Type.Integer() });

export function storeCommands(group: Command, commands: Commands): void {
  checkCommand(group, commands);
  commands.add(
    group,
    {
      usage: 'backup [name]',
      summary: "copy the books, while the daemon runs, into its data directory's `backups`",
      examples: [['store backup before-upgrade', 'under a name of your own']],
    },
    () => undefined,
    async (session, [name]) => {
      const backup = await (
        await session.client()
      ).post('/v1/store/backup', Backup, name === undefined ? {} : { name });
      await session.print(backup, () => `${backup.path} (${backup.records} records)`);
      return undefined;
    },
  );
  restoreCommand(group, commands);
}

function checkCommand(group: Command, commands: Commands): void {
  commands.add(
    group,
    {
      usage: 'check',
      summary: 'read through the books and say whether they are whole; the daemon must not run',
      examples: [['store check --data-dir ./node-a', 'of another node']],
    },
    () => undefined,
    async (session) => {
      const { checkStore } = await import('../../store/index.ts');
      const dataDir = await session.dataDir();
      const keystorePath = await keystorePathOf(session);
      const report = await checkStore(join(dataDir, 'store'), { keystorePath });
      const isLocked = report.problem?.code === 'ERR_STORE_LOCKED';
      await session.print(report, () =>
        fields(session.io.stdout, [
          ['books', report.directory],
          ['whole', wholeness(report)],
          ['problem', report.problem && `${report.problem.message} (${report.problem.code})`],
          ['identity', report.identity],
          ['records', report.entries?.toString()],
          [
            'newest commit',
            report.commit === undefined ? undefined : `${report.commit}, ${time(report.commitAt)}`,
          ],
        ]),
      );
      if (isLocked) return EXIT_STATUS.refused;
      return report.ok ? EXIT_STATUS.ok : EXIT_STATUS.notValid;
    },
  );
}

function wholeness({ ok, begun, problem }: StoreReport): string {
  if (begun === false) return 'there are none yet; the first start of the daemon makes them';
  if (ok) return 'yes';
  return problem?.code === 'ERR_STORE_LOCKED' ? 'unknown' : 'NO';
}

/** Undefined when the configuration, which says where it is, cannot be used: books are checked all the same. */
async function keystorePathOf(session: Session): Promise<string | undefined> {
  try {
    return (await session.config()).identity.keystorePath;
  } catch (error) {
    if (isErgonError(error, 'ERR_CONFIG_INVALID', 'ERR_CONFIG_FILE')) return undefined;
    throw error;
  }
}

function restoreCommand(group: Command, commands: Commands): void {
  commands.add<{ moveAside?: boolean }>(
    group,
    {
      usage: 'restore <backup>',
      summary: 'make the books of a backup those of the node; the daemon must not run',
      examples: [
        [
          'store restore ~/.ergon/backups/before-upgrade --move-aside',
          'keeping the present ones under another name',
        ],
      ],
    },
    (command) => command.option('--move-aside', 'when there are books: keep them under another name'),
    async (session, [backup = ''], { moveAside }) => {
      const { restoreStore } = await import('../../store/index.ts');
      const { systemClock } = await import('../../util/clock.ts');
      const dataDir = await session.dataDir();
      const options = { moveAside: moveAside === true };
      const summary = await restoreStore(backup, join(dataDir, 'store'), options, { clock: systemClock() });
      await session.print(summary, () =>
        fields(session.io.stdout, [
          ['restored', `${summary.entries} records as of ${time(summary.commitAt)}`],
          ['moved aside', summary.movedTo],
        ]),
      );
      return undefined;
    },
  );
}
