import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TaskAttempt, TaskRecord } from '../../../src/interface/index.ts';
import { forgetUnbilled, taskBucket } from '../../../src/task/index.ts';
import { DAY_MS } from '../../../src/util/durations.ts';
import { attempt, taskRecord } from '../api/support/samples.ts';
import { spec, World } from './world.ts';

const BEFORE = 1_000;
const breathe = (): Promise<void> => Promise.resolve();
let world: World;
beforeEach(async () => {
  world = new World();
  await world.store.start();
});
afterEach(() => world.store.stop());
const sweep = (before: number, invoiced: readonly string[] = []): Promise<number> =>
  forgetUnbilled({
    store: world.store,
    isInvoiced: async (agreementId) => invoiced.includes(agreementId),
  })(before, breathe);

it('is done with a task whose provider never sent its invoice, and releases its allocation', async () => {
  const service = world.service();
  await service.start();
  await service.submit('t', spec());
  const task = async (): Promise<TaskRecord> => (await service.get('t'))!;
  while ((await task()).attempts.at(-1)?.phase !== 'Settling') await world.clock.advance(50);
  const { allocationId } = await task();
  const released = (): boolean | undefined => world.allocations.get(allocationId)?.released;
  expect(await sweep(world.clock.now() - DAY_MS)).toBe(0);
  expect(released()).toBe(false);
  await world.clock.advance(2 * DAY_MS);
  expect(await sweep(world.clock.now() - DAY_MS)).toBe(1);
  expect(await task()).toMatchObject({ state: 'Succeeded', attempts: [{ phase: 'Done' }] });
  expect((await task()).attempts[0]?.settled).toBeUndefined();
  while (released() !== true) await world.clock.settle();
  expect(await sweep(world.clock.now())).toBe(0);
  await service.stop();
});

it('waits where an invoice is here, for young ones, and for tasks that are not over', async () => {
  const settling = (number: number, over: Partial<TaskAttempt> = {}): TaskAttempt =>
    attempt(number, { phase: 'Settling', endedAt: BEFORE - 1, ...over });
  const put = (id: string, over: Partial<TaskRecord>): Promise<void> =>
    world.store.transact(async (tx) => tx.put(taskBucket, id, taskRecord(id, over)));
  await put('mixed', {
    state: 'Failed',
    attempts: [settling(1), settling(2), settling(3, { endedAt: BEFORE })],
  });
  await put('open', { state: 'InProgress', attempts: [settling(4), attempt(5)] });
  await put('closing', { state: 'Failed', attempts: [attempt(6, { phase: 'Closing' })] });
  expect(await sweep(BEFORE, ['agreement-2'])).toBe(1);
  const phases = async (id: string): Promise<string[]> =>
    (await world.store.get(taskBucket, id))!.attempts.map(({ phase }) => phase);
  expect(await phases('mixed')).toEqual(['Done', 'Settling', 'Settling']);
  expect(await phases('open')).toEqual(['Settling', 'Running']);
  expect(await phases('closing')).toEqual(['Closing']);
});
