import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, vi } from 'vitest';
import type { ExeUnits } from '../../src/interface/exe-unit.ts';
import { engineReply } from '../support/docker-engine.ts';
import { groupsOf, linesOf, loopDevicesOf, processesOf } from './watch.ts';

const CLEAN_MS = 20_000;

export interface CleanInit {
  readonly activityId: string;
  readonly directory: string;
  /** Ids of containers that the activity had. */
  readonly containers: readonly string[];
  readonly asksEngine: boolean;
}

/** Nothing of an activity that has ended is left but its books; after they are disposed of, nothing at all. */
export async function assertClean(
  units: ExeUnits,
  { activityId, directory, containers, asksEngine }: CleanInit,
): Promise<void> {
  await soon(async () => expect(await units.status(activityId)).toBe('gone'));
  expect(readdirSync(directory).filter((name) => ['volumes', 'runtime', 'inputs'].includes(name))).toEqual(
    [],
  );
  await assertNoTraces([activityId, ...containers]);
  if (asksEngine) expect(await containersOf(activityId), 'containers').toEqual([]);
  await units.dispose(activityId);
  expect(existsSync(directory)).toBe(false);
}

/** No process, control group, mount, socket, loop device or file anywhere on the machine has one of these in its name. */
export async function assertNoTraces(marks: readonly string[]): Promise<void> {
  await soon(async () => expect(processesOf(marks)).toEqual([]));
  expect(groupsOf(marks), 'control groups').toEqual([]);
  expect(linesOf('/proc/self/mountinfo', marks), 'mounts').toEqual([]);
  expect(linesOf('/proc/net/unix', marks), 'sockets').toEqual([]);
  expect(loopDevicesOf(marks), 'loop devices').toEqual([]);
  expect(readdirSync(tmpdir()).filter((name) => marks.some((mark) => name.includes(mark)))).toEqual([]);
}

/** A process that has been killed takes a moment to be gone. */
export function soon(check: () => Promise<void>, timeout = CLEAN_MS): Promise<void> {
  return vi.waitFor(check, { timeout, interval: 20 });
}

/** Ids of the containers that the engine has for an activity. */
export async function containersOf(activityId: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`ergon.activity=${activityId}`] }));
  const { body } = await engineReply('GET', `/containers/json?all=1&filters=${filters}`);
  const found: { Id: string }[] = JSON.parse(body);
  return found.map(({ Id }) => Id);
}
