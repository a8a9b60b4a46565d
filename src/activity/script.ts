import type { ActivityState, Batch, ExeCommand, ExeScript } from '../interface/index.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { ActivityError } from './errors.ts';
import { begin, commit, isFinal, type ActivityCommand, type ActivityPair } from './machine.ts';

/**
 * Walks the script through the state machine as if every command succeeded, so that a script which cannot work is
 * refused before anything of it runs.
 * @throws ActivityError ERR_ACTIVITY_ILLEGAL_COMMAND with the index, ERR_ACTIVITY_BUSY
 */
export function rehearse(state: ActivityState, script: ExeScript): void {
  let pair: ActivityPair = { state };
  script.forEach((command, index) => {
    for (const step of stepsOf(command)) {
      if (isFinal(pair.state)) throw afterEnd(step, index);
      pair = commit(beginAt(pair, step, index));
    }
  });
}

function beginAt(pair: ActivityPair, step: ActivityCommand, index: number): ActivityPair {
  try {
    return begin(pair, step);
  } catch (error) {
    if (!(error instanceof ActivityError)) throw error;
    const message = `Command ${index} of the script: ${error.message}`;
    throw new ActivityError(error.code, message, { ...error.detail, index }, { cause: error });
  }
}

function afterEnd(command: ActivityCommand, index: number): ActivityError {
  const message = `Command ${index} of the script: ${command} comes after terminate`;
  return new ActivityError('ERR_ACTIVITY_ILLEGAL_COMMAND', message, { command, index });
}

function stepsOf(command: ExeCommand): ActivityCommand[] {
  if ('deploy' in command) return ['deploy'];
  if ('start' in command) return ['start'];
  if ('run' in command) return ['run', 'finish'];
  if ('transfer' in command) return ['transfer'];
  if ('sign' in command) return ['sign'];
  return ['complete'];
}

const BLOB = /^blob:(sha256:[0-9a-f]{64})$/;

/** The requestor's blobs that the provider must read to run it. */
export function blobsOf(script: ExeScript): string[] {
  const hashes = script.flatMap((command) => {
    if ('run' in command) return command.run.stdin ?? [];
    if ('transfer' in command) return BLOB.exec(command.transfer.from)?.[1] ?? [];
    return [];
  });
  return [...new Set(hashes)];
}

/** The batch that stands under this id, if it was made from the same script. */
export function sameBatch(held: Batch, script: ExeScript): Batch {
  if (canonicalJson(held.script) === canonicalJson(script)) return held;
  throw new ActivityError(
    'ERR_ACTIVITY_ID_CONFLICT',
    `Batch ${held.batchId} of activity ${held.activityId} was made from another script`,
    { activityId: held.activityId, batchId: held.batchId },
  );
}
