import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buckets, OUTPUT, save } from './support/fakes.ts';
import { activityRecord, HASH } from './support/samples.ts';
import { apiWorld, type ApiWorld } from './support/world.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await apiWorld();
  await save(world.store, buckets.activities, 'act', activityRecord('act'));
});
afterEach(() => world.stop());

test('a batch is canceled by its requestor', async () => {
  await world.post('/v1/activities/act/run', { batchId: 'b1' });
  const cancel = (batchId: string, key = 'key-requestor') =>
    world.call('POST', `/v1/activities/act/batches/${batchId}/cancel`, { key, body: {} });
  expect((await cancel('b1')).json()).toMatchObject({ batchId: 'b1', finished: true });
  expect((await cancel('none')).statusCode).toBe(404);
  expect((await cancel('b1', 'key-provider')).statusCode).toBe(403);
});

test('a program’s output may be captured, in the ways that there are', async () => {
  const run = (stdout: object) => world.post('/v1/activities/act/run', { capture: { stdout } });
  for (const good of [
    { atEnd: { headTail: 100, format: 'binary' } },
    { atEnd: { tail: 1 } },
    { atEnd: {} },
    { stream: {} },
    { stream: { limit: 5, format: 'string' } },
  ]) {
    expect((await run(good)).statusCode).toBe(202);
    expect(world.changes.at(-1)).toContain(`"capture":${JSON.stringify({ stdout: good })}`);
  }
  for (const bad of [
    { atEnd: { head: 1, tail: 1 } },
    { atEnd: { head: -1 } },
    { atEnd: { head: 1, format: 'json' } },
    { stream: { head: 1 } },
    { atEnd: {}, stream: {} },
    {},
  ]) {
    expect((await run(bad)).statusCode).toBe(400);
  }
});

test('what a transfer has put out is brought from the provider once, and nothing else is', async () => {
  const hash = `sha256:${createHash('sha256').update(OUTPUT).digest('hex')}`;
  const blob = { hash, sizeBytes: OUTPUT.length };
  const result = { index: 0, result: 'Ok' as const, blob, startedAt: 1, finishedAt: 2 };
  const batch = {
    batchId: 'b1',
    activityId: 'act',
    script: [],
    results: [result],
    finished: true,
    createdAt: 1,
  };
  await save(world.store, buckets.batches, 'act/b1', batch);
  for (const round of ['brought', 'there already']) {
    const answer = await world.get(`/v1/activities/act/outputs/${hash}`);
    expect(answer.rawPayload.equals(OUTPUT), round).toBe(true);
  }
  expect(world.changes).toEqual([`bring act ${hash}`, `blob ${hash}`]);
  expect((await world.get(`/v1/activities/act/outputs/${HASH}`)).statusCode).toBe(404);
  expect((await world.get(`/v1/activities/other/outputs/${hash}`)).statusCode).toBe(404);
});
