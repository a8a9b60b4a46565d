import type { DeploySpec } from '../../src/interface/exe-unit-runtime.ts';
import { sha256 } from '../../src/util/sha256.ts';

/**
 * The same for the same activity in the same place, so that a deployment that is made again after a crash finds the
 * container that the crash has left; and another one for another node that shares the engine.
 */
export function containerName({ activityId, workDir }: Pick<DeploySpec, 'activityId' | 'workDir'>): string {
  const place = sha256(workDir).toString('hex').slice(0, 12);
  return `ergon-${place}-${activityId.replaceAll(/[^a-zA-Z0-9_.-]/g, '-')}`;
}
