import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../src/interface/clock.ts';
import type { Logger } from '../../src/interface/logger.ts';
import { LABELS } from './container-spec.ts';
import { Engine } from './engine/engine.ts';
import { settingsOf } from './options.ts';
import { mountPoints, unmount } from './volume/filesystem-volume.ts';

export interface ReapInit {
  /** As `DeploySpec.nodeId` had it; where that was absent, the directory of all activities. */
  readonly node: string;
  /** Activities whose containers are somebody's. */
  readonly known: ReadonlySet<string>;
  /** A container that is younger than this is left alone: its activity may be about to be known. */
  readonly graceMs: number;
  /** The directory of all activities: mounts of unknown ones in it are removed. */
  readonly activitiesDirectory?: string;
}
export interface ReapComponents {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What was removed. */
export interface Reaped {
  readonly containers: readonly string[];
  readonly mounts: readonly string[];
}

/**
 * Removes this node's containers, and mounts, that belong to no known activity. Never another node's, though it
 * shares the engine. `options` are those of the Docker runtime.
 * @throws RuntimeError ERR_RUNTIME_ENGINE_UNREACHABLE: try again, nothing was decided
 */
export async function reapOrphans(
  options: Readonly<Record<string, unknown>>,
  init: ReapInit,
  { clock, logger }: ReapComponents,
): Promise<Reaped> {
  const { socketPath, enginePatienceMs: patienceMs } = settingsOf(options);
  const engine = new Engine({ socketPath, patienceMs }, { clock });
  const containers: string[] = [];
  for (const { Id, Created, Labels } of await engine.containersWith(`${LABELS.node}=${init.node}`)) {
    const activityId = Labels?.[LABELS.activity] ?? '';
    if (init.known.has(activityId) || clock.now() - Created * 1000 < init.graceMs) continue;
    logger.warn({ activityId, container: Id }, 'container belongs to no activity: removed');
    if (await engine.removeContainer(Id)) containers.push(Id);
  }
  return { containers, mounts: await reapMounts(init) };
}

async function reapMounts({ activitiesDirectory, known }: ReapInit): Promise<string[]> {
  if (activitiesDirectory === undefined) return [];
  const ours = mountPoints(await readFile('/proc/self/mountinfo', 'utf8')).filter((mountPoint) => {
    const activity = path.dirname(mountPoint);
    const isVolume =
      path.basename(mountPoint) === 'volumes' && path.dirname(activity) === activitiesDirectory;
    return isVolume && !known.has(path.basename(activity));
  });
  for (const mountPoint of ours) await unmount(mountPoint);
  return ours;
}
