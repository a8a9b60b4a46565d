import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { buckets, save } from './support/fakes.ts';
import { openEvents } from './support/events.ts';
import { attempt, taskRecord } from './support/samples.ts';
import { apiWorld, type ApiWorld } from './support/world.ts';

let world: ApiWorld;
let base: string;
let clock: FakeClock;
beforeEach(async () => {
  clock = new FakeClock();
  world = await apiWorld({ clock });
  base = await world.app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => world.stop());

const emit = (type: string, subject: string): Promise<void> =>
  world.store.transact(async (tx) => tx.emit({ type, subject, data: { text: 'two\nlines' } }));

describe('GET /v1/events', () => {
  test('pages by seq and filters by type and subject', async () => {
    for (const [type, subject] of [
      ['a.made', 'x'],
      ['b.made', 'x'],
      ['a.made', 'y'],
    ] as const)
      await emit(type, subject);
    expect((await world.get('/v1/events?limit=2')).json()).toMatchObject({
      items: [{ seq: 1 }, { seq: 2 }],
      next: 2,
    });
    expect((await world.get('/v1/events?after=2')).json()).toMatchObject({ items: [{ seq: 3 }], next: 3 });
    expect((await world.get('/v1/events?after=3')).json()).toEqual({ items: [], next: 3 });
    expect((await world.get('/v1/events?type=a.made&subject=x')).json()).toMatchObject({
      items: [{ seq: 1 }],
      // Nothing up to there needs to be looked at again.
      next: 3,
    });
  });

  test('says of a position behind which events were removed that they are gone', async () => {
    for (let number = 1; number <= 5; number += 1) await emit('a.made', 'x');
    await clock.advance(1_000);
    await emit('a.made', 'x');
    while ((await world.store.events.forget(clock.now())) > 0);
    const gone = { code: 'ERR_API_EVENTS_GONE', context: { after: 4, oldest: 6 } };
    const answer = await world.get('/v1/events?after=4');
    expect(answer.statusCode).toBe(410);
    expect(answer.json()).toMatchObject(gone);
    const stream = await openEvents(`${base}/v1/events`, { 'last-event-id': '4' });
    expect(stream.response.status).toBe(410);
    stream.close();
    for (const kept of ['', '?after=0', '?after=5'])
      expect((await world.get(`/v1/events${kept}`)).json()).toMatchObject({ items: [{ seq: 6 }], next: 6 });
  });

  test('streams what was after Last-Event-ID, then what comes', async () => {
    await emit('a.made', 'x');
    await emit('a.made', 'y');
    const events = await openEvents(`${base}/v1/events`, { 'last-event-id': '1' });
    expect(events.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const second = await events.next();
    expect(second).toMatchObject({ id: '2', event: 'a.made' });
    expect(JSON.parse(second?.data ?? '')).toMatchObject({
      seq: 2,
      subject: 'y',
      data: { text: 'two\nlines' },
    });
    await emit('b.made', 'z');
    expect(await events.next()).toMatchObject({ id: '3', event: 'b.made' });
    events.close();
  });

  test('says something now and then, so that a dead connection is noticed', async () => {
    const { response, close } = await openEvents(`${base}/v1/events`);
    const reader = response.body!.getReader();
    const text = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
    expect(await text()).toBe(': connected\n\n');
    await clock.advance(15_000);
    expect(await text()).toBe(': ping\n\n');
    close();
  });
});

describe('GET /v1/tasks/:id/events', () => {
  test('gives those of the task, its agreements and activities, and ends with them', async () => {
    await save(world.store, buckets.tasks, 't', taskRecord('t', { attempts: [] }));
    await emit('task.created', 't');
    await emit('task.created', 'other');
    const events = await openEvents(`${base}/v1/tasks/t/events`);
    expect(await events.next()).toMatchObject({ id: '1' });
    await save(world.store, buckets.tasks, 't', taskRecord('t'));
    await emit('task.changed', 't');
    await emit('agreement.approved', 'agreement-1');
    await emit('agreement.approved', 'agreement-2');
    await emit('activity.state-changed', 'activity-1');
    expect([await events.next(), await events.next(), await events.next()]).toMatchObject([
      { id: '3' },
      { id: '4' },
      { id: '6' },
    ]);
    const attempts = [attempt(1, { phase: 'Done' })];
    await save(world.store, buckets.tasks, 't', taskRecord('t', { state: 'Succeeded', attempts }));
    await emit('task.ended', 't');
    expect(await events.rest()).toMatchObject([{ id: '7' }]);
    const again = await openEvents(`${base}/v1/tasks/t/events`, { 'last-event-id': '4' });
    expect(await again.rest()).toMatchObject([{ id: '6' }, { id: '7' }]);
  });
});
