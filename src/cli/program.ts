import { Command } from 'commander';
import { Commands, commonOptions } from './command.ts';
import { activityCommands } from './commands/activity.ts';
import { agreementCommands } from './commands/agreement.ts';
import { appKeyCommands } from './commands/app-key.ts';
import { billCommands } from './commands/bill.ts';
import { eventCommands } from './commands/events.ts';
import { nodeCommands } from './commands/node.ts';
import { offerCommands } from './commands/offers.ts';
import { packageCommands } from './commands/package.ts';
import { runtimeCommands } from './commands/runtime.ts';
import { storeCommands } from './commands/store.ts';
import { taskCommands } from './commands/task.ts';
import type { Io } from './io.ts';
import { VERSION } from '../daemon/version.ts';

const AFTER = `
Getting started:
  $ ergon init                                  make the node's identity
  $ ergon daemon                                run the node
  $ ergon task submit hello.wasm --wait         run a program on somebody's machine

docs/cli.md explains every command, and what the exit statuses mean.`;

/** The command line; `onStatus` gets the exit status of a command that has one of its own. */
export function program(io: Io, onStatus: (status: number) => void): Command {
  const root = new Command('ergon')
    .description('A node of a peer-to-peer compute market: sell spare compute, or have tasks run on it.')
    .version(VERSION, '--version', 'print the version')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('(add --help for the options and examples)')
    .addHelpText('after', AFTER);
  commonOptions(root);
  const commands = new Commands(io, onStatus);
  for (const add of [
    nodeCommands,
    offerCommands,
    packageCommands,
    taskCommands,
    agreementCommands,
    activityCommands,
    billCommands,
    appKeyCommands,
    storeCommands,
    eventCommands,
    runtimeCommands,
  ]) {
    add(root, commands);
  }
  return root;
}
