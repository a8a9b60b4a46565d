import type { Command } from 'commander';
import type { RuntimeTest, RuntimeView } from '../../daemon/doctor/index.ts';
import type { Commands } from '../command.ts';
import { EXIT_STATUS } from '../exit-status.ts';

/** What runtimes there are on this machine, and whether they work; no daemon is needed. */
export function inspectionCommands(group: Command, commands: Commands): void {
  commands.add(
    group,
    {
      usage: 'list',
      summary: 'the runtimes of this node, and what this machine can do with each',
      examples: [
        ['runtime list', 'as a table'],
        ['runtime list --json', 'with all notes and properties'],
      ],
    },
    () => undefined,
    async (session) => {
      const { listRuntimes } = await import('../../daemon/doctor/index.ts');
      const columns = [
        { title: 'RUNTIME', value: ({ name }: RuntimeView) => name, whole: true },
        { title: 'VERSION', value: ({ version }: RuntimeView) => version },
        { title: 'AVAILABLE', value: ({ available }: RuntimeView) => (available ? 'yes' : 'no') },
        { title: 'SANDBOX', value: sandboxOf },
        { title: 'SUPPORTS', value: abilitiesOf },
        { title: 'NOTES', value: ({ notes }: RuntimeView) => notes.join('; ') },
      ];
      await session.printList(await listRuntimes(await session.config()), columns, 'No runtimes.');
      return undefined;
    },
  );
  commands.add(
    group,
    {
      usage: 'test [name]',
      summary: 'run the self-test of one runtime, or of each that can run here',
      examples: [
        ['runtime test', 'each'],
        ['runtime test wasi', 'one; the exit status is 9 when it does not work'],
      ],
    },
    () => undefined,
    async (session, [name]) => {
      const { testRuntimes } = await import('../../daemon/doctor/index.ts');
      const tests = await testRuntimes(await session.config(), name);
      await session.print(tests, () => tests.map(lineOf).join('\n'));
      const isBroken = ({ outcome }: RuntimeTest): boolean =>
        outcome === 'failed' || (outcome === 'unavailable' && name !== undefined);
      return tests.some(isBroken) ? EXIT_STATUS.notValid : undefined;
    },
  );
}

function sandboxOf({ properties }: RuntimeView): string {
  const sandbox = properties['ergon.runtime.sandbox'];
  return typeof sandbox === 'string' ? sandbox : '-';
}

function abilitiesOf({ supports }: RuntimeView): string {
  const abilities = Object.entries(supports ?? {}).filter(([, able]) => able === true);
  return abilities.map(([ability]) => ability).join(', ') || '-';
}

function lineOf({ name, outcome, message }: RuntimeTest): string {
  return message === undefined ? `${name}: ${outcome}` : `${name}: ${outcome}: ${message}`;
}
