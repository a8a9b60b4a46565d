import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { soon } from '../hostile/clean.ts';
import { groupsOf, linesOf, loopDevicesOf, processesOf } from '../hostile/watch.ts';
import type { Held } from './held.ts';
import type { RecoveryWorld } from './world.ts';

/**
 * What is being made for a supervisor when it is killed (the engine's container, the kernel's mount) comes about after
 * its activity has ended. The provider's daemon looks for that once a minute.
 */
const REAPED_WITHIN_MS = 150_000;

/** Nothing is left of these activities but their books, logs and results, and nothing at all of what nobody owns. */
export async function assertClean(world: RecoveryWorld, held: readonly Held[]): Promise<void> {
  const { providers, machine, ownEngine } = world;
  const ids = held.map(({ activityId }) => activityId);
  const places = providers.map(({ dataDir }) => join(dataDir, 'activities'));
  const mountInfo = machine?.mountInfo ?? '/proc/self/mountinfo';
  await soon(async () => {
    expect(processesOf([...ids, ...places])).toEqual([]);
    expect(groupsOf(ids), 'control groups').toEqual([]);
    expect(linesOf(mountInfo, [...ids, ...places, 'ergon-volume-']), 'mounts').toEqual([]);
    expect(linesOf('/proc/net/unix', places), 'sockets').toEqual([]);
    expect(loopDevicesOf(places), 'loop devices').toEqual([]);
    expect(ownEngine?.containersOnDisk() ?? [], 'containers').toEqual([]);
    assertNoFiles(held, places);
  }, REAPED_WITHIN_MS);
}

/** What keeps a container for the engine. Only one that is killed as it starts a container forgets it. */
export async function assertNoShims({ ownEngine }: RecoveryWorld): Promise<void> {
  await soon(async () => expect(ownEngine?.shims() ?? []).toEqual([]));
}

function assertNoFiles(held: readonly Held[], places: readonly string[]): void {
  const transient = ['volumes', 'runtime', 'inputs'];
  for (const { directory } of held) {
    const left = existsSync(directory) ? readdirSync(directory) : [];
    expect(left.filter((name) => transient.includes(name))).toEqual([]);
  }
  const halves = places.flatMap((place) => readdirSync(place)).filter((name) => name.startsWith('.'));
  expect(halves, 'half made or half removed').toEqual([]);
}
