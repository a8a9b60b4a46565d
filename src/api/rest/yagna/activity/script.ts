import { Type, type Static } from 'typebox';
import { EnvVars, type ExeCommand } from '../../../../interface/index.ts';
import { problems, problemText } from '../../../../util/check.ts';
import { invalid, YagnaError } from '../errors.ts';

const Args = Type.Union([Type.Null(), Type.Array(Type.String({ maxLength: 131_072 }), { maxItems: 4096 })]);
const Format = Type.Union([
  Type.Literal('string'),
  Type.Literal('str'),
  Type.Literal('binary'),
  Type.Literal('bin'),
]);
const Count = Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 0 })]));
const AtEnd = Type.Object({
  part: Type.Optional(Type.Object({ head: Count, tail: Count, headTail: Count })),
  head: Count,
  tail: Count,
  headTail: Count,
  format: Type.Optional(Format),
});
const Stream = Type.Object({ limit: Count, format: Type.Optional(Format) });
export const CaptureMode = Type.Object({ atEnd: Type.Optional(AtEnd), stream: Type.Optional(Stream) });
export type CaptureMode = Static<typeof CaptureMode>;
const Capture = Type.Object({
  stdout: Type.Optional(Type.Union([Type.Null(), CaptureMode])),
  stderr: Type.Optional(Type.Union([Type.Null(), CaptureMode])),
});
const Absent = Type.Optional(Type.Union([Type.Null(), Type.Object({}, { additionalProperties: false })]));
const Anything = Type.Optional(Type.Unknown());

/** The bodies of Yagna's commands, as far as they are done here; what else stands in them is refused by name. */
const BODIES = {
  deploy: Type.Object({
    env: Type.Optional(Type.Union([Type.Null(), EnvVars])),
    volumes: Anything,
    progress: Anything,
    hosts: Absent,
    net: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.Unknown(), { maxItems: 0 })])),
    nodes: Absent,
  }),
  start: Type.Object({ args: Type.Optional(Args) }),
  run: Type.Object({
    entry_point: Type.String({ maxLength: 4096 }),
    args: Type.Optional(Args),
    env: Type.Optional(Type.Union([Type.Null(), EnvVars])),
    capture: Type.Optional(Type.Union([Type.Null(), Capture])),
  }),
  transfer: Type.Object({
    from: Type.String({ maxLength: 4096 }),
    to: Type.String({ maxLength: 4096 }),
    // Archives and sets of files.
    format: Type.Optional(Type.Null()),
    depth: Type.Optional(Type.Null()),
    fileset: Type.Optional(Type.Null()),
  }),
  sign: Type.Object({}),
  terminate: Type.Object({}),
};
type CommandName = keyof typeof BODIES;

export type ClientCommand = {
  [Name in CommandName]: { readonly name: Name; readonly body: Static<(typeof BODIES)[Name]> };
}[CommandName];

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
  for (const [index, command] of commands.entries()) readCommand(command, index);
  return commands;
}

export function readCommand(command: Readonly<Record<string, unknown>>, index: number): ClientCommand {
  const [entry, ...others] = Object.entries(command);
  const [name, given] = entry ?? [];
  if (name === undefined || others.length > 0 || !isCommandName(name))
    throw invalid(`Command ${index} is none of ${Object.keys(BODIES).join(', ')}`);
  const body = given ?? {};
  if (name === 'deploy' && isRecord(body)) refuseNetwork(body);
  const wrong = problems(BODIES[name], body);
  if (wrong.length > 0) throw invalid(`Command ${index}, ${name}: ${wrong.map(problemText).join('; ')}`);
  // The schema of this very name has just been checked.
  return { name, body } as ClientCommand;
}

function refuseNetwork({ net }: Readonly<Record<string, unknown>>): void {
  if (!Array.isArray(net) || net.length === 0) return;
  throw new YagnaError('ERR_YAGNA_NOT_IMPLEMENTED', 'This node has no network between activities');
}

/** A command in ours; `blobs` are what the files that it names have become. */
export function ourCommand(command: ClientCommand, blob: string | undefined): ExeCommand {
  switch (command.name) {
    case 'deploy':
      return { deploy: isGiven(command.body.env) ? { env: command.body.env } : {} };
    case 'start':
      return { start: isGiven(command.body.args) ? { args: command.body.args } : {} };
    case 'run': {
      const { entry_point, args, env } = command.body;
      return { run: { entry_point, ...(isGiven(args) && { args }), ...(isGiven(env) && { env }) } };
    }
    case 'transfer': {
      const from = blob === undefined ? command.body.from : `blob:${blob}`;
      const to = isOutside(command.body.to) ? 'blob:' : command.body.to;
      return { transfer: { from: absolute(from), to: absolute(to) } };
    }
    case 'sign':
      return { sign: {} };
    case 'terminate':
      return { terminate: {} };
  }
}

/** A file outside of the activity, which this node brings or delivers. */
export function isOutside(url: string): boolean {
  return /^(gftp|https?):\/\//i.test(url);
}

/** `container:file` is a file of the root. */
function absolute(url: string): string {
  return url.replace(/^container:(?!\/)/, 'container:/');
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(BODIES, name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
