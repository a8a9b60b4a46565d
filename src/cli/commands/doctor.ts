import type { Command } from 'commander';
import type { Check } from '../../daemon/doctor/index.ts';
import type { Commands } from '../command.ts';
import { EXIT_STATUS } from '../exit-status.ts';
import { safe } from '../format.ts';
import type { Output } from '../io.ts';
import { style } from '../style.ts';

export function doctorCommand(root: Command, commands: Commands, summary: string): void {
  commands.add(
    root,
    {
      usage: 'doctor',
      summary,
      examples: [
        ['doctor', 'what works, what is weaker than it could be, and what would mend it'],
        ['doctor --json', 'for programs; the exit status is 9 when something fails'],
      ],
    },
    () => undefined,
    async (session) => {
      const { diagnose } = await import('../../daemon/doctor/index.ts');
      const diagnosis = await diagnose(await session.config());
      const { stdout } = session.io;
      await session.print(diagnosis, () => diagnosis.checks.map((check) => lineOf(stdout, check)).join('\n'));
      return diagnosis.healthy ? undefined : EXIT_STATUS.notValid;
    },
  );
}

const MARKS: Readonly<Record<Check['status'], string>> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };

function lineOf(output: Output, { name, status, message, remedy }: Check): string {
  const mark = status === 'ok' ? MARKS.ok : style(output, 'bold', MARKS[status]);
  const line = `${mark}  ${name}: ${safe(message)}`;
  return remedy === undefined ? line : `${line}\n      → ${safe(remedy)}`;
}
