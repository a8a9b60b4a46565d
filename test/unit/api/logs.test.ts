import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { buckets, save } from './support/fakes.ts';
import { logBytes, openEvents } from './support/events.ts';
import { activityRecord, attempt, taskRecord } from './support/samples.ts';
import { apiWorld, type ApiWorld } from './support/world.ts';

let world: ApiWorld;
let base: string;
beforeEach(async () => {
  world = await apiWorld();
  base = await world.app.listen({ host: '127.0.0.1', port: 0 });
  await save(world.store, buckets.tasks, 't', taskRecord('t'));
  await save(world.store, buckets.activities, 'activity-1', activityRecord('activity-1'));
});
afterEach(() => world.stop());

const succeed = (): Promise<void> =>
  save(world.store, buckets.tasks, 't', taskRecord('t', { state: 'Succeeded' }));

describe('GET /v1/tasks/:id/logs', () => {
  test('downloads the bytes as they are, from an offset', async () => {
    const bytes = randomBytes(300_000);
    world.activities.write('activity-1', 'stderr', bytes);
    const whole = await world.get('/v1/tasks/t/logs?stream=stderr');
    expect(whole.headers['content-length']).toBe('300000');
    expect(whole.rawPayload.equals(bytes)).toBe(true);
    const rest = await world.get('/v1/tasks/t/logs?stream=stderr&offset=123456');
    expect(rest.rawPayload.equals(bytes.subarray(123_456))).toBe(true);
    expect((await world.get('/v1/tasks/t/logs?stream=stderr&offset=300000')).body).toBe('');
  });

  test('an offset beyond the end is 416, and says where the end is', async () => {
    const answer = await world.get('/v1/tasks/t/logs?offset=5');
    expect(answer.json()).toMatchObject({ status: 416, code: 'ERR_API_RANGE', context: { end: 0 } });
  });

  test('follows until the task has ended, then says so', async () => {
    world.activities.write('activity-1', 'stdout', Buffer.from('one'));
    const events = await openEvents(`${base}/v1/tasks/t/logs?follow=true`);
    expect(await events.next()).toMatchObject({
      event: 'attempt',
      data: '{"attempt":1,"activityId":"activity-1"}',
    });
    expect(await events.next()).toMatchObject({
      event: 'stdout',
      id: '1:3',
      data: Buffer.from('one').toString('base64'),
    });
    world.activities.write('activity-1', 'stdout', Buffer.from([0, 255, 10]));
    expect(await events.next()).toMatchObject({ id: '1:6', data: 'AP8K' });
    world.activities.write('activity-1', 'stdout', Buffer.from('last'));
    await succeed();
    const rest = await events.rest();
    expect(logBytes(rest).toString()).toBe('last');
    expect(rest.at(-1)).toMatchObject({ event: 'end', data: '{"attempt":1}' });
  });

  test('Last-Event-ID resumes without gap or repeat, at any cut', async () => {
    const bytes = randomBytes(200_000);
    world.activities.write('activity-1', 'stdout', bytes);
    await succeed();
    world.activities.finalize('activity-1');
    const first = await openEvents(`${base}/v1/tasks/t/logs?follow=true`);
    const seen = [await first.next(), await first.next(), await first.next()];
    first.close();
    const lastId = seen.at(-1)?.id ?? '';
    const second = await openEvents(`${base}/v1/tasks/t/logs?follow=true`, { 'last-event-id': lastId });
    const whole = logBytes([...seen, ...(await second.rest())]);
    expect(whole.equals(bytes)).toBe(true);
  });

  test('goes on with the attempt that replaces a failed one', async () => {
    await save(world.store, buckets.tasks, 't', taskRecord('t', { attempts: [] }));
    const events = await openEvents(`${base}/v1/tasks/t/logs?follow=true`);
    world.activities.write('activity-1', 'stdout', Buffer.from('lost'));
    await save(world.store, buckets.tasks, 't', taskRecord('t', { attempts: [attempt(1)] }));
    expect(await events.next()).toMatchObject({ event: 'attempt' });
    expect(await events.next()).toMatchObject({ id: '1:4' });
    const attempts = [attempt(1, { endedAt: 1 }), attempt(2)];
    await save(world.store, buckets.activities, 'activity-2', activityRecord('activity-2'));
    world.activities.write('activity-2', 'stdout', Buffer.from('whole'));
    await save(world.store, buckets.tasks, 't', taskRecord('t', { attempts }));
    expect(await events.next()).toMatchObject({
      event: 'attempt',
      data: '{"attempt":2,"activityId":"activity-2"}',
    });
    expect(await events.next()).toMatchObject({ id: '2:5' });
    await save(world.store, buckets.tasks, 't', taskRecord('t', { attempts, state: 'Failed' }));
    expect(await events.rest()).toMatchObject([{ event: 'end' }]);
  });

  test('a client that leaves ends the reading', async () => {
    const clock = new FakeClock();
    const still = await apiWorld({ clock });
    const url = await still.app.listen({ host: '127.0.0.1', port: 0 });
    await save(still.store, buckets.tasks, 't', taskRecord('t'));
    await save(still.store, buckets.activities, 'activity-1', activityRecord('activity-1'));
    const before = clock.pending;
    const events = await openEvents(`${url}/v1/tasks/t/logs?follow=true`);
    await until(() => clock.pending > before + 1);
    events.close();
    await until(() => clock.pending === before);
    const raw = new AbortController();
    const headers = { authorization: 'Bearer key-admin' };
    const answer = fetch(`${url}/v1/tasks/t/logs?follow=true`, { headers, signal: raw.signal });
    await until(() => clock.pending > before);
    raw.abort();
    await expect(answer).rejects.toThrow();
    await until(() => clock.pending === before);
    await still.stop();
  });
});

describe('GET /v1/activities/:id/logs', () => {
  test('follows until the activity has ended and its log is whole', async () => {
    const readLog = world.activities.readLog.bind(world.activities);
    let reads = 0;
    Object.assign(world.activities, {
      readLog: (...args: Parameters<typeof readLog>) => ((reads += 1), readLog(...args)),
    });
    world.activities.write('activity-1', 'stderr', Buffer.from('abc'));
    const events = await openEvents(`${base}/v1/activities/activity-1/logs?stream=stderr&follow=true`, {
      'last-event-id': '1',
    });
    expect(await events.next()).toMatchObject({
      event: 'stderr',
      id: '3',
      data: Buffer.from('bc').toString('base64'),
    });
    await save(
      world.store,
      buckets.activities,
      'activity-1',
      activityRecord('activity-1', { state: 'Terminated' }),
    );
    // The last of it comes well after the end.
    const before = reads;
    await until(() => reads > before + 3);
    world.activities.write('activity-1', 'stderr', Buffer.from('d'));
    expect(await events.next()).toMatchObject({ event: 'stderr', id: '4' });
    world.activities.finalize('activity-1');
    expect(await events.rest()).toMatchObject([{ event: 'end' }]);
  });

  test('a provider that cannot be reached is waited for', async () => {
    const readLog = world.activities.readLog.bind(world.activities);
    let failures = 3;
    const { FakeError } = await import('./support/fakes.ts');
    Object.assign(world.activities, {
      readLog: async (...args: Parameters<typeof readLog>) => {
        const slice = await readLog(...args);
        if (slice.end > 1 && (failures -= 1) >= 0) throw new FakeError('ERR_NETWORK_UNREACHABLE', 'away');
        return slice;
      },
    });
    world.activities.write('activity-1', 'stdout', Buffer.from('a'));
    const events = await openEvents(`${base}/v1/activities/activity-1/logs?follow=true`);
    expect(await events.next()).toMatchObject({ id: '1' });
    world.activities.write('activity-1', 'stdout', Buffer.from('b'));
    expect(await events.next()).toMatchObject({ id: '2' });
    expect(failures).toBeLessThan(0);
    events.close();
  });
});

test('a stop of the server ends the streams', async () => {
  const events = await openEvents(`${base}/v1/events`);
  await world.stop();
  expect(await events.rest().catch(() => [])).toEqual([]);
  world = await apiWorld();
});

/** A test that never gets there runs into its own timeout. */
async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise((resolve) => setImmediate(resolve));
}
