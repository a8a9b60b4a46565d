import type { ActivityRecord, Batch, CommandResult, LogStream } from '../../../../interface/index.ts';
import type { YagnaContext } from '../init.ts';
import type { BatchNote } from './records.ts';
import { iso } from '../time.ts';
import { captured, type Output } from './output.ts';
import { readCommand } from './script.ts';
import type { CaptureMode } from './script-schema.ts';

type Context = Pick<YagnaContext, 'activities' | 'clock' | 'stopSignal'>;

/** A batch as both its client's and its provider's words tell it. */
export interface BatchRecords {
  readonly activityId: string;
  readonly note: BatchNote | undefined;
  readonly batch: Batch | undefined;
}

/** What can be told of one command. */
export interface ReportedResult {
  readonly index: number;
  readonly result: 'Ok' | 'Error';
  readonly message?: string;
  readonly at: number;
  readonly own?: CommandResult;
}

/** Results so far, and whether they are all: exact, since clients stop reading where they are told to. */
export function reportedResults({ note, batch }: BatchRecords): {
  results: ReportedResult[];
  finished: boolean;
} {
  const results: ReportedResult[] = [];
  for (const own of batch?.results ?? []) {
    const delivery = note?.deliveries.find(({ index }) => index === own.index);
    // A file that is on its way is not transferred yet.
    if (delivery?.done === false && own.result === 'Ok') return { results, finished: false };
    const failure = own.result === 'Ok' ? delivery?.error : undefined;
    results.push(reportedResult(own, failure));
    if (failure !== undefined) return { results, finished: true };
  }
  const finished = hasEnded(results, { note, batch }) || isOver(note, batch);
  return { results: finished ? withCut(results, note) : results, finished };
}

/** With the last command, or the first that failed: a client that is told so later never hears it. */
function hasEnded(
  results: readonly ReportedResult[],
  { note, batch }: Omit<BatchRecords, 'activityId'>,
): boolean {
  const commands = note?.commands ?? batch?.script;
  return results.length === commands?.length || results.at(-1)?.result === 'Error';
}

function isOver(note: BatchNote | undefined, batch: Batch | undefined): boolean {
  return batch?.finished ?? note?.state === 'Done';
}

/** What could not be handed over failed here, unless something before it had failed there. */
function withCut(results: ReportedResult[], note: BatchNote | undefined): ReportedResult[] {
  const cut = note?.cut;
  if (cut === undefined || results.some(({ result }) => result === 'Error')) return results;
  return [...results, { index: results.length, result: 'Error', message: cut.message, at: cut.at }];
}

function reportedResult(own: CommandResult, failure: string | undefined): ReportedResult {
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
export async function resultViews(context: Context, records: BatchRecords): Promise<object[]> {
  const { results, finished } = reportedResults(records);
  return Promise.all(
    results.map(async (reported, at) => {
      const mode = captureOf(records.note, reported.index);
      const output = async (stream: LogStream): Promise<Output | undefined> =>
        captured(context, records.activityId, stream, reported.own, mode?.[stream]);
      return {
        index: reported.index,
        eventDate: iso(reported.at),
        result: reported.result,
        stdout: await output('stdout'),
        stderr: await output('stderr'),
        ...(reported.message !== undefined && { message: reported.message }),
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
export function runningCommands({ state }: ActivityRecord, batches: readonly BatchRecords[]): object[] {
  if (state === 'Completed' || state === 'Terminated') return [];
  return batches.flatMap(({ note, batch }) => {
    if (note === undefined || batch === undefined || batch.finished) return [];
    const given = note.commands[batch.results.length];
    if (given === undefined) return [];
    const { name } = readCommand(given, batch.results.length);
    return [{ batchId: batch.batchId, command: name.charAt(0).toUpperCase() + name.slice(1) }];
  });
}
