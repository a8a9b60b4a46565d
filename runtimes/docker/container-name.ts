import type { DeploySpec } from '../../src/interface/exe-unit-runtime.ts';
import { sha256 } from '../../src/util/sha256.ts';

type Place = Pick<DeploySpec, 'activityId' | 'workDir'>;

/**
 * The same for the same activity in the same place, so that a deployment that is made again after a crash finds the
 * container that the crash has left; and another one for another node that shares the engine.
 */
export function containerName(place: Place): string {
  return `ergon-${suffix(place)}`;
}

/** Of the container that is made only to read its image's files, and gone when the deployment is there. */
export function contentsName(place: Place): string {
  return `ergon-contents-${suffix(place)}`;
}

function suffix({ activityId, workDir }: Place): string {
  const place = sha256(workDir).toString('hex').slice(0, 12);
  return `${place}-${activityId.replaceAll(/[^a-zA-Z0-9_.-]/g, '-')}`;
}
