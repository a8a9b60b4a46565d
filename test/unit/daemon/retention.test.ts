import { beforeEach, describe, expect, it } from 'vitest';
import { activities } from '../../../src/activity/index.ts';
import { forgettable } from '../../../src/daemon/forgettable.ts';
import { retention } from '../../../src/daemon/retention.ts';
import type { Payment } from '../../../src/payment/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { taskBucket } from '../../../src/task/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { activityRecord, taskRecord } from '../api/support/samples.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
let clock: FakeClock;
let compactions: number;
const compact = async (): Promise<void> => {
  compactions += 1;
};
beforeEach(() => {
  clock = new FakeClock();
  compactions = 0;
});

describe('the sweep through what is over', () => {
  it('begins some time after the start and comes again, whatever fails', async () => {
    const seen: [string, number][] = [];
    const start = clock.now();
    const part = retention(
      { days: 90 },
      {
        clock,
        logger: silentLogger,
        forget: {
          bad: () => Promise.reject(new Error('disk')),
          good: async (before) => seen.push(['good', before]),
        },
        compact,
      },
    );
    await part.start();
    await clock.advance(10 * MINUTE_MS - 1);
    expect(seen).toEqual([]);
    await clock.advance(1);
    await clock.settle();
    const first = start + 10 * MINUTE_MS - 90 * DAY_MS;
    expect(seen).toEqual([['good', first]]);
    await clock.advance(6 * HOUR_MS);
    await clock.settle();
    expect(seen).toEqual([
      ['good', first],
      ['good', first + 6 * HOUR_MS],
    ]);
    await part.stop();
    expect(clock.pending).toBe(0);
  });

  it('ends in the middle when the node stops', async () => {
    let breaths = 0;
    const endless = async (_before: number, breathe: () => Promise<void>): Promise<number> => {
      for (;;) {
        await breathe();
        breaths += 1;
      }
    };
    const part = retention({ days: 1 }, { clock, logger: silentLogger, forget: { endless }, compact });
    await part.start();
    await clock.advance(10 * MINUTE_MS + 1_000);
    expect(breaths).toBeGreaterThan(10);
    await part.stop();
    expect(clock.pending).toBe(0);
  });

  it('compacts the books once it has forgotten much', async () => {
    const some = async (): Promise<number> => 4_000;
    const part = retention({ days: 1 }, { clock, logger: silentLogger, forget: { some }, compact });
    await part.start();
    const after: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      await clock.advance(6 * HOUR_MS);
      await clock.settle();
      after.push(compactions);
    }
    expect(after).toEqual([0, 0, 1, 1, 1, 2]);
    await part.stop();
  });

  it('never comes where all is kept for ever', async () => {
    const part = retention({ days: 0 }, { clock, logger: silentLogger, forget: {}, compact });
    await part.start();
    expect(clock.pending).toBe(0);
    await part.stop();
  });
});

it('forgets no event since when an open activity or task is there', async () => {
  const store = memoryStore({ clock });
  await store.start();
  const emit = () => store.transact(async (tx) => tx.emit({ type: 'a.made', subject: 's', data: null }));
  await emit();
  await clock.advance(1_000);
  const [activityAt, taskAt] = [clock.now(), clock.now() + 1_000];
  const open = activityRecord('a', { createdAt: activityAt });
  await store.transact(async (tx) => tx.put(activities, 'a', open));
  await emit();
  await clock.advance(1_000);
  await store.transact(async (tx) => tx.put(taskBucket, 't', taskRecord('t', { createdAt: taskAt })));
  await emit();
  await clock.advance(1_000);
  const { events } = forgettable({ dataDir: '/nowhere' }, { store, payment: {} as Payment });
  const sweep = () => events!(clock.now(), () => Promise.resolve());
  expect(await sweep()).toBe(1);
  await store.transact(async (tx) => {
    await tx.get(activities, 'a');
    tx.put(activities, 'a', activityRecord('a', { state: 'Completed' }));
  });
  expect(await sweep()).toBe(1);
  expect(await store.events.query({})).toMatchObject([{ seq: 3, at: taskAt }]);
  await store.stop();
});
