import { Command } from 'commander';
import { VERSION } from '../daemon/version.ts';
import { Commands, commonOptions } from './command.ts';
import { widthOf, type Io } from './io.ts';
import { TOP_LEVEL } from './top-level.ts';

const AFTER = `
Getting started:
  $ ergon init                                  make the node's identity
  $ ergon daemon                                run the node
  $ ergon task submit hello.wasm --wait         run a program on somebody's machine

docs/cli.md explains every command, and what the exit statuses mean.`;

/**
 * The command line, with what `argv` calls loaded. `onStatus` gets the exit status of a command that has one of its
 * own.
 */
export async function program(
  argv: readonly string[],
  io: Io,
  onStatus: (status: number) => void,
): Promise<Command> {
  const root = new Command('ergon')
    .description('A node of a peer-to-peer compute market: sell spare compute, or have tasks run on it.')
    .version(VERSION, '--version', 'print the version')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => widthOf(io.stdout) ?? 100,
      getErrHelpWidth: () => widthOf(io.stderr) ?? 100,
    })
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('(add --help for the options and examples)')
    .addHelpText('after', AFTER);
  commonOptions(root);
  const commands = new Commands(io, onStatus);
  for (const { name, summary, group, load } of TOP_LEVEL) {
    // The name may also be the value of an option: then it is loaded in vain, and no harm is done.
    const called = argv.includes(name);
    if (group || !called) {
      const command = commands.group(root, name, summary);
      if (called) (await load())(command, commands, summary);
    } else {
      (await load())(root, commands, summary);
    }
  }
  return root;
}
