import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Reaped, ReapScope } from '../../src/interface/exe-unit-runtime.ts';
import type { Clock } from '../../src/interface/clock.ts';
import type { Logger } from '../../src/interface/logger.ts';
import { containerName, contentsName } from './container-name.ts';
import { LABELS } from './container-spec.ts';
import { Engine } from './engine/engine.ts';
import type { ContainerSummary } from './engine/schemas.ts';
import { mountPoints, unmount } from './volume/filesystem-volume.ts';

export interface ReapInit {
  readonly socketPath: string;
}
export interface ReapComponents {
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Removes this node's containers, and mounts, that belong to no live activity. Never another node's, though it shares
 * the engine, nor those of the same node in another data directory.
 * @throws RuntimeError ERR_RUNTIME_ENGINE_UNREACHABLE: try again, nothing was decided
 */
export async function reapOrphans(
  { socketPath }: ReapInit,
  scope: ReapScope,
  components: ReapComponents,
): Promise<Reaped> {
  // Before the containers: a mount is given up with the container in it, and found without one at the next look.
  const mounts = await reapMounts(scope);
  const isThere = await access(socketPath).then(
    () => true,
    () => false,
  );
  // A node without an engine has no containers that it could be asked for.
  const containers = isThere ? await reapContainers(socketPath, scope, components) : [];
  return { removed: [...containers, ...mounts] };
}

async function reapContainers(
  socketPath: string,
  scope: ReapScope,
  { clock, logger }: ReapComponents,
): Promise<string[]> {
  // Without patience: the next look comes soon.
  const engine = new Engine({ socketPath, patienceMs: 0 }, { clock });
  const removed: string[] = [];
  for (const container of await engine.containersWith(`${LABELS.node}=${scope.nodeId}`)) {
    const activityId = container.Labels?.[LABELS.activity] ?? '';
    if (!isHere(container, activityId, scope)) continue;
    const standing = await scope.standingOf(activityId);
    // Made for a supervisor that was killed meanwhile: the engine goes on with what it was asked for.
    const isYoung = clock.now() - container.Created * 1000 < scope.graceMs;
    if (standing === 'live' || (standing === 'unknown' && isYoung)) continue;
    logger.warn({ activityId, container: container.Id }, 'container belongs to no activity: removed');
    if (await engine.removeContainer(container.Id)) removed.push(container.Id);
  }
  return removed;
}

/** Its name says in which directory its activity was. */
function isHere({ Names }: ContainerSummary, activityId: string, scope: ReapScope): boolean {
  const workDir = path.join(scope.activitiesDirectory, activityId);
  const place = { activityId, workDir };
  const ours = [containerName(place), contentsName(place)];
  return (Names ?? []).some((name) => ours.includes(name.slice(1)));
}

async function reapMounts(scope: ReapScope): Promise<string[]> {
  const removed: string[] = [];
  for (const mountPoint of mountPoints(await readFile('/proc/self/mountinfo', 'utf8'))) {
    const activity = path.dirname(mountPoint);
    const isVolume =
      path.basename(mountPoint) === 'volumes' && path.dirname(activity) === scope.activitiesDirectory;
    if (!isVolume || (await scope.standingOf(path.basename(activity))) === 'live') continue;
    await unmount(mountPoint);
    removed.push(mountPoint);
  }
  return removed;
}
