import { problems, problemText } from '../../../../util/check.ts';
import { isRecord } from '../../../../util/is-record.ts';
import { invalid } from '../errors.ts';
import { ourCommand } from './our-command.ts';
import { BODIES, type ClientCommand, type CommandName } from './script-schema.ts';

const MAX_COMMANDS = 256;

/** Reads the text of an ExeScript. @throws YagnaError ERR_YAGNA_INVALID, ERR_YAGNA_NOT_IMPLEMENTED */
export function parseScript(text: string): Record<string, unknown>[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw invalid('The script is not JSON');
  }
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_COMMANDS)
    throw invalid(`A script is a list of 1 to ${MAX_COMMANDS} commands`);
  const commands = given.map((each: unknown) => {
    if (!isRecord(each)) throw invalid('A command is an object with one member');
    return each;
  });
  // What could not be put into our words is refused before any of it runs.
  for (const [index, command] of commands.entries()) ourCommand(readCommand(command, index), undefined);
  return commands;
}

/** One command of a script, checked. @throws YagnaError ERR_YAGNA_INVALID */
export function readCommand(command: Readonly<Record<string, unknown>>, index: number): ClientCommand {
  const [entry, ...others] = Object.entries(command);
  const [name, given] = entry ?? [];
  if (name === undefined || others.length > 0 || !isCommandName(name))
    throw invalid(`Command ${index} is none of ${Object.keys(BODIES).join(', ')}`);
  const body = given ?? {};
  const wrong = problems(BODIES[name], body);
  if (wrong.length > 0) throw invalid(`Command ${index}, ${name}: ${wrong.map(problemText).join('; ')}`);
  // The schema of this very name has just been checked.
  return { name, body } as ClientCommand;
}

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(BODIES, name);
}
