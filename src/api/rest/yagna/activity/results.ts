import type { ActivityRecord, Batch, CommandResult, LogStream } from '../../../../interface/index.ts';
import type { YagnaContext } from '../init.ts';
import type { BatchNote } from './records.ts';
import { iso } from '../time.ts';
import { captured, type Output } from './output.ts';
import { readCommand } from './script.ts';
import type { CaptureMode } from './script-schema.ts';

type Context = Pick<YagnaContext, 'activities' | 'clock' | 'stopSignal'>;

/** A batch as both its client's and its provider's words tell it. */
export interface BatchStory {
  readonly activityId: string;
  readonly note: BatchNote | undefined;
  readonly batch: Batch | undefined;
}

/** What can be told of one command. */
export interface ToldResult {
  readonly index: number;
  readonly result: 'Ok' | 'Error';
  readonly message?: string;
  readonly at: number;
  readonly own?: CommandResult;
}

/** Results so far, and whether they are all: exact, since clients stop reading where they are told to. */
export function tellResults({ note, batch }: BatchStory): { results: ToldResult[]; finished: boolean } {
  const results: ToldResult[] = [];
  for (const own of batch?.results ?? []) {
    const delivery = note?.deliveries.find(({ index }) => index === own.index);
    // A file that is on its way is not transferred yet.
    if (delivery?.done === false && own.result === 'Ok') return { results, finished: false };
    const failure = own.result === 'Ok' ? delivery?.error : undefined;
    results.push(told(own, failure));
    if (failure !== undefined) return { results, finished: true };
  }
  const finished = hasEnded(results, { note, batch }) || isOver(note, batch);
  return { results: finished ? withCut(results, note) : results, finished };
}

/** With the last command, or the first that failed: a client that is told so later never hears it. */
function hasEnded(results: readonly ToldResult[], { note, batch }: Omit<BatchStory, 'activityId'>): boolean {
  const commands = note?.commands ?? batch?.script;
  return results.length === commands?.length || results.at(-1)?.result === 'Error';
}

function isOver(note: BatchNote | undefined, batch: Batch | undefined): boolean {
  return batch?.finished ?? note?.state === 'Done';
}

/** What could not be handed over failed here, unless something before it had failed there. */
function withCut(results: ToldResult[], note: BatchNote | undefined): ToldResult[] {
  const cut = note?.cut;
  if (cut === undefined || results.some(({ result }) => result === 'Error')) return results;
  return [...results, { index: results.length, result: 'Error', message: cut.message, at: cut.at }];
}

function told(own: CommandResult, failure: string | undefined): ToldResult {
  const { index, finishedAt: at, result } = own;
  if (failure === undefined) return { index, at, own, result, ...messageOf(own) };
  return { index, at, own, result: 'Error', message: failure };
}

function messageOf({ result, message, exitCode, reason }: CommandResult): { message?: string } {
  if (result === 'Ok') return message === undefined ? {} : { message };
  if (exitCode !== undefined && exitCode !== 0)
    return { message: `ExeScript command exited with code ${exitCode}` };
  return { message: reason?.message ?? message ?? 'The command failed' };
}

/** In the shape that clients read: cumulative from index 0, `isBatchFinished` only on the very last one. */
export async function resultViews(context: Context, story: BatchStory): Promise<object[]> {
  const { results, finished } = tellResults(story);
  return Promise.all(
    results.map(async (told, at) => {
      const mode = captureOf(story.note, told.index);
      const output = async (stream: LogStream): Promise<Output | undefined> =>
        captured(context, story.activityId, stream, told.own, mode?.[stream]);
      return {
        index: told.index,
        eventDate: iso(told.at),
        result: told.result,
        stdout: await output('stdout'),
        stderr: await output('stderr'),
        ...(told.message !== undefined && { message: told.message }),
        isBatchFinished: finished && at === results.length - 1,
      };
    }),
  );
}

/** How the client wants a command's output; undefined when it does not say. */
export function captureOf(
  note: BatchNote | undefined,
  index: number,
): { stdout?: CaptureMode | null; stderr?: CaptureMode | null } | undefined {
  const given = note?.commands[index];
  const command = given === undefined ? undefined : readCommand(given, index);
  return command?.name === 'run' ? (command.body.capture ?? undefined) : undefined;
}

/** What runs right now, for `GET …/command`. */
export function runningCommands({ state }: ActivityRecord, stories: readonly BatchStory[]): object[] {
  if (state === 'Completed' || state === 'Terminated') return [];
  return stories.flatMap(({ note, batch }) => {
    if (note === undefined || batch === undefined || batch.finished) return [];
    const given = note.commands[batch.results.length];
    if (given === undefined) return [];
    const { name } = readCommand(given, batch.results.length);
    return [{ batchId: batch.batchId, command: name.charAt(0).toUpperCase() + name.slice(1) }];
  });
}
