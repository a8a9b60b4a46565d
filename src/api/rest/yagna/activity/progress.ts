import { Type } from 'typebox';
import { checker } from '../../../../util/check.ts';
import type { YagnaContext } from '../init.ts';
import type { BatchRecords } from './results.ts';
import { readCommand } from './script.ts';
import type { ClientProgress } from './script-schema.ts';
import type { StreamPosition } from './stream-position.ts';

const PAGE = 256;

const checkData = checker(
  Type.Object({
    batchId: Type.String(),
    index: Type.Integer(),
    done: Type.Integer(),
    total: Type.Optional(Type.Integer()),
    message: Type.String(),
  }),
  'progress of a command',
);

/** One step of progress, as it is told to a client. */
export interface ReportedProgress {
  readonly seq: number;
  readonly at: number;
  readonly doneBytes: number;
  readonly kind: object;
}

/** How far the command at `position` has come since, in the words of clients; nothing for one that was not asked to tell. */
export async function newProgress(
  { events }: Pick<YagnaContext, 'events'>,
  { activityId, note }: BatchRecords,
  position: Readonly<StreamPosition>,
): Promise<ReportedProgress[]> {
  const wanted = wantedProgress(note?.commands[position.index], position.index);
  if (wanted === undefined || !position.started) return [];
  const step = wanted.updateStep ?? wanted['update-step'] ?? 0;
  const query = { types: ['command.progress'], subject: activityId, limit: PAGE };
  const told: ReportedProgress[] = [];
  for (let after = position.progress, last = position.doneBytes; ;) {
    const page = await events.query({ ...query, after });
    for (const { seq, at, data } of page) {
      const { batchId, index, done, total, message } = checkData(data);
      after = seq;
      if (batchId !== note?.batchId || index !== position.index) continue;
      if (done !== total && done - last < step) continue;
      last = done;
      told.push({ seq, at, doneBytes: done, kind: { progress: progressBody(message, done, total) } });
    }
    if (page.length < PAGE) return told;
  }
}

/** One step, and within it so many bytes of how many. */
function progressBody(message: string, done: number, total: number | undefined): object {
  return {
    step: [done === total ? 1 : 0, 1],
    message,
    progress: total === undefined ? [done] : [done, total],
    unit: 'Bytes',
  };
}

function wantedProgress(
  command: Readonly<Record<string, unknown>> | undefined,
  index: number,
): ClientProgress | undefined {
  if (command === undefined) return undefined;
  const { name, body } = readCommand(command, index);
  return name === 'deploy' || name === 'transfer' ? (body.progress ?? undefined) : undefined;
}
