import type { BatchRecords } from './results.ts';

/** How far a reader has come: which command, whether its start was told, and where in the logs and the events. */
export interface StreamPosition {
  index: number;
  started: boolean;
  stdout: number;
  stderr: number;
  /** The number of the last event of progress. */
  progress: number;
  /** How far the command was by the last progress that was told. */
  doneBytes: number;
}

/** Before the first command of a batch. */
export function beginning({ note }: BatchRecords): StreamPosition {
  const { stdout, stderr } = note?.starts ?? { stdout: 0, stderr: 0 };
  return { index: 0, started: false, stdout, stderr, progress: 0, doneBytes: 0 };
}

/** What a reader may come back with, to go on behind it. */
export function positionId({ index, stdout, stderr, progress }: StreamPosition, isFinished: boolean): string {
  return `${index}-${isFinished ? 'f' : 's'}-${stdout}-${stderr}-${progress}`;
}

/** Undefined for what no reader was given. */
export function positionOf(lastEventId: string | undefined): StreamPosition | undefined {
  const [, index, step, stdout, stderr, progress] =
    /^(\d{1,3})-([sf])-(\d{1,15})-(\d{1,15})-(\d{1,15})$/.exec(lastEventId ?? '') ?? [];
  if (index === undefined) return undefined;
  return {
    index: Number(index) + (step === 'f' ? 1 : 0),
    started: step === 's',
    stdout: Number(stdout),
    stderr: Number(stderr),
    progress: Number(progress),
    doneBytes: 0,
  };
}
