import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ActivityRecord } from '../../src/interface/index.ts';
import { MarketPair } from './market-pair.ts';

let pair: MarketPair;
beforeAll(async () => {
  pair = await MarketPair.start({ provider: { provider: { sampleIntervalMs: 50 } } });
});
afterAll(() => pair.stop());

it('freezes a task’s program and its meter from either side; the task notices nothing but the time', async () => {
  const { provider, requestor } = pair;
  const taskId = await pair.submit(['tick', '40', '50']);
  const { activityId } = await requestor.until('the activity runs', async () => {
    const attempt = (await pair.task(taskId)).attempts.at(-1);
    if (attempt?.activityId === undefined) return undefined;
    const path = `/v1/activities/${attempt.activityId}`;
    const activity = await requestor.call<ActivityRecord>('GET', path).catch(() => undefined);
    return activity?.state === 'Running' ? activity : undefined;
  });
  const path = `/v1/activities/${activityId}`;
  const ask = (node: typeof provider, word: string) =>
    node.call<ActivityRecord>('POST', `${path}/${word}`, {});

  expect(await ask(requestor, 'suspend')).toMatchObject({ state: 'Suspended', holds: ['requestor'] });
  expect(await ask(provider, 'suspend')).toMatchObject({
    state: 'Suspended',
    holds: ['requestor', 'provider'],
  });
  expect((await ask(requestor, 'resume')).holds).toEqual(['provider']);
  const refused = await requestor.raw('POST', `${path}/resume`, '{}', { 'content-type': 'application/json' });
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({ code: 'ERR_ACTIVITY_HELD' });
  const frozen = await provider.call<ActivityRecord>('GET', path);
  expect((await ask(provider, 'resume')).state).toBe('Running');

  const task = await pair.done(taskId);
  expect(task).toMatchObject({ state: 'Succeeded', result: { exitCode: 0 } });
  expect(await pair.log(taskId)).toMatch(/^begin first\n(tick \d+\n){40}end\n$/);
  const { seller, buyer } = await pair.settledBooks(task);
  const states = ['New', 'Deploying', 'Ready', ...['Running', 'Suspended', 'Running', 'Ready'], 'Completed'];
  expect(seller.activity.history.map(({ state }) => state)).toEqual(states);
  expect(buyer.activity.history.map(({ state }) => state)).toEqual(states);
  // What was billed leaves out the time in which it stood still.
  const at = (state: string): number => seller.activity.history.findLast((one) => one.state === state)!.at;
  const stoodStillMs = at('Running') - at('Suspended');
  const wallMs = at('Completed') - seller.activity.history.find(({ state }) => state === 'Running')!.at;
  const duration = (activity: ActivityRecord): number =>
    Number(activity.usage!.counters['golem.usage.duration_sec']) / 1e6;
  expect(duration(seller.activity)).toBeLessThanOrEqual(wallMs - stoodStillMs + 500);
  expect(duration(seller.activity)).toBeGreaterThan(duration(frozen));
});
