import { afterEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/util/clock.ts';

const ODD_MS = 86_400_123;
const noop = (): void => undefined;
/** The list in which Node keeps the timers of one duration. */
const listOf = (timer: unknown): unknown => (timer as { _idleNext: unknown })._idleNext;

afterEach(() => vi.restoreAllMocks());

it('leaves nothing behind of a timer that is cancelled, not even the list of its duration', () => {
  const made = vi.spyOn(globalThis, 'setTimeout');
  const cancel = systemClock().setTimer(noop, ODD_MS);
  const list = listOf(made.mock.results[0]?.value);
  expect(list).toMatchObject({ msecs: ODD_MS });
  cancel();
  const next = setTimeout(noop, ODD_MS);
  expect(listOf(next)).not.toBe(list);
  clearTimeout(next);
});

it('keeps no process alive, and may be cancelled twice', () => {
  const made = vi.spyOn(globalThis, 'setTimeout');
  const cancel = systemClock().setTimer(noop, ODD_MS);
  expect((made.mock.results[0]?.value as NodeJS.Timeout).hasRef()).toBe(false);
  const before = process.getActiveResourcesInfo();
  cancel();
  cancel();
  expect(process.getActiveResourcesInfo()).toEqual(before);
});
