import { stat } from 'node:fs/promises';
import type { ActivityState } from '../../interface/activity.ts';
import type { Clock } from '../../interface/clock.ts';
import type { CommandResult } from '../../interface/exe-script.ts';
import type { ExeUnitRuntime } from '../../interface/exe-unit-runtime.ts';
import type { ExeUnitSpec, JournalRecord } from '../../interface/exe-unit.ts';
import type { Logger } from '../../interface/logger.ts';
import type { Reason } from '../../interface/values.ts';
import { isFinal } from '../../activity/machine.ts';
import { hasCode } from '../../util/error-code.ts';
import { JournalTail } from '../journal/tail.ts';
import { JournalWriter, type JournalPosition } from '../journal/writer.ts';
import { removeScratch } from '../scratch.ts';
import { workPaths, type WorkPaths } from '../paths.ts';

export interface CloseComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly loadRuntime: (name: string) => Promise<ExeUnitRuntime>;
}

/** What a dead supervisor's journal says was begun and not finished. */
interface Estate {
  spec?: ExeUnitSpec;
  handle?: string;
  /** Whether a deployment was begun. */
  deployed: boolean;
  state: ActivityState;
  /** The end that it had begun. */
  begun?: { state: 'Completed' | 'Terminated'; reason?: Reason };
  batchId?: string;
  command?: { index: number; startedAt: number };
  stdoutEnd: number;
  stderrEnd: number;
}

/**
 * Ends an activity whose supervisor is dead: first nothing of its workload lives, then its journal says so.
 * Whatever the runtime throws is thrown on: an engine that does not answer has not removed anything.
 */
export async function closeJournal(
  directory: string,
  why: Reason,
  { clock, logger, loadRuntime }: CloseComponents,
): Promise<void> {
  const paths = workPaths(directory);
  const tail = new JournalTail(paths.journal);
  const estate: Estate = { state: 'New', deployed: false, stdoutEnd: 0, stderrEnd: 0 };
  for await (const record of tail.read()) take(estate, record);
  if (estate.spec !== undefined && estate.deployed)
    await clear(estate.spec, estate.handle, directory, loadRuntime);
  if (!isFinal(estate.state)) await closeAt(tail.position, estate, why, paths, clock);
  await removeScratch(paths, logger);
}

async function closeAt(
  end: JournalPosition,
  estate: Estate,
  why: Reason,
  paths: WorkPaths,
  clock: Clock,
): Promise<void> {
  const journal = await JournalWriter.resume(paths.journal, end, clock);
  try {
    await settle(journal, estate, why, paths, clock);
    await journal.sync();
  } finally {
    await journal.close();
  }
}

async function clear(
  { runtime: name, activityId }: ExeUnitSpec,
  handle: string | undefined,
  workDir: string,
  loadRuntime: CloseComponents['loadRuntime'],
): Promise<void> {
  const runtime = await loadRuntime(name);
  if (handle === undefined) await runtime.discard?.({ activityId, workDir });
  else await runtime.destroy(handle);
}

async function settle(
  journal: JournalWriter,
  estate: Estate,
  why: Reason,
  paths: WorkPaths,
  clock: Clock,
): Promise<void> {
  const { batchId, command, begun, state } = estate;
  if (batchId !== undefined && command !== undefined) {
    const result: CommandResult = {
      index: command.index,
      result: 'Error',
      message: why.message,
      reason: why,
      // All that the command wrote before the supervisor died was in the files at once.
      stdout: { start: estate.stdoutEnd, end: await sizeOf(paths.stdout) },
      stderr: { start: estate.stderrEnd, end: await sizeOf(paths.stderr) },
      startedAt: command.startedAt,
      finishedAt: Math.max(command.startedAt, clock.now()),
    };
    journal.append({ type: 'command-finished', batchId, result });
  }
  if (batchId !== undefined) journal.append({ type: 'batch-finished', batchId });
  const end = begun ?? { state: 'Terminated' as const, reason: why };
  if (begun === undefined) journal.append({ type: 'state', state, pending: end.state, reason: why });
  journal.append({ type: 'state', ...end });
}

function take(estate: Estate, record: JournalRecord): void {
  switch (record.type) {
    case 'created':
      estate.spec = record.spec;
      break;
    case 'handle':
      estate.handle = record.handle;
      break;
    case 'state':
      takeState(estate, record);
      break;
    case 'batch':
      estate.batchId = record.batchId;
      break;
    case 'command-started':
      estate.command = { index: record.index, startedAt: record.at };
      break;
    case 'command-finished':
      delete estate.command;
      estate.stdoutEnd = record.result.stdout?.end ?? estate.stdoutEnd;
      estate.stderrEnd = record.result.stderr?.end ?? estate.stderrEnd;
      break;
    case 'batch-finished':
      delete estate.batchId;
      break;
    default:
      // What the daemon did for it, how far it was, and what it used: settled already, or of no more use.
      break;
  }
}

function takeState(estate: Estate, record: Extract<JournalRecord, { type: 'state' }>): void {
  estate.state = record.state;
  estate.deployed ||= record.pending === 'Deploying';
  if (record.pending === 'Completed' || record.pending === 'Terminated') {
    estate.begun = {
      state: record.pending,
      ...(record.reason === undefined ? {} : { reason: record.reason }),
    };
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0;
    throw error;
  }
}
