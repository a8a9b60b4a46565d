import type { Command } from 'commander';
import type { Io } from './io.ts';
import { Session, type CommonOptions } from './session.ts';

/** What `--help` says of a command. */
export interface CommandSpec {
  /** Name and arguments, as commander writes them: `show <id>`. */
  readonly usage: string;
  readonly summary: string;
  /** Command lines without `ergon `, each with what it does. */
  readonly examples: readonly (readonly [string, string])[];
}

/**
 * What a command does; the number that it returns is the exit status. `args` are the positional arguments, `options`
 * those of the command itself.
 */
export type Action<O> = (
  session: Session,
  args: readonly string[],
  options: O,
) => Promise<number | undefined>;

/** Adds commands that all take the common options, on whichever side of their name these are given. */
export class Commands {
  readonly #io: Io;
  readonly #onStatus: (status: number) => void;

  constructor(io: Io, onStatus: (status: number) => void) {
    this.#io = io;
    this.#onStatus = onStatus;
  }

  group(parent: Command, name: string, summary: string): Command {
    const command = parent.command(name).summary(summary).description(summary).helpCommand(false);
    return command.addHelpText('after', '\nEach command has its own --help, with examples.');
  }

  add<O>(parent: Command, spec: CommandSpec, configure: (command: Command) => void, action: Action<O>): void {
    const command = commonOptions(parent.command(spec.usage).summary(spec.summary).description(spec.summary));
    configure(command);
    const examples = spec.examples.map(([line, what]) => `  $ ergon ${line}\n      ${what}`).join('\n');
    command.addHelpText('after', `\nExamples:\n${examples}`);
    command.action(async () => {
      const session = new Session(this.#io, command.optsWithGlobals<CommonOptions>());
      const args = command.processedArgs.flatMap((arg: unknown) =>
        [arg].flat().filter((one) => typeof one === 'string'),
      );
      const status = await action(session, args, command.opts<O & object>());
      if (status !== undefined) this.#onStatus(status);
    });
  }
}

/** Adds the options that every command takes. */
export function commonOptions(command: Command): Command {
  return command
    .option('--json', 'print JSON, for programs')
    .option(
      '--url <url>',
      'REST API of the daemon (else ERGON_API_URL, else the running daemon of the data directory)',
    )
    .option('--app-key <key>', 'app-key to come with (else ERGON_APP_KEY, else that of the data directory)')
    .option('--data-dir <path>', 'data directory of the node (else ERGON_DATA_DIR, else ~/.ergon)')
    .option(
      '--config <path>',
      'configuration file (else ERGON_CONFIG, else config.json in the data directory)',
    );
}
