import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ActivityRecord, AgreementRecord, Batch } from '../../src/interface/index.ts';
import { readFile } from 'node:fs/promises';
import { MarketPair } from './market-pair.ts';
import { WORKLOAD } from '../support/workload.ts';

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

it('cancels a batch, and captures output into results; the activity goes on', async () => {
  const { requestor } = pair;
  const { hash } = await requestor.upload('packages', await readFile(WORKLOAD));
  const { agreement } = await requestor.call<AgreementRecord>('POST', '/v1/agreements', { budget: '0.5' });
  const { activityId } = await requestor.call<ActivityRecord>('POST', '/v1/activities', {
    agreementId: agreement.agreementId,
    package: hash,
  });
  const path = `/v1/activities/${activityId}`;
  const exec = (name: string, body: object = {}) => requestor.call<Batch>('POST', `${path}/${name}`, body);
  const finished = async ({ batchId }: { batchId: string }) =>
    requestor.call<Batch>('GET', `${path}/batches/${batchId}?waitMs=60000`);
  await finished(await exec('deploy'));
  await finished(await exec('start'));
  const capture = { stdout: { atEnd: { head: 11 } } };
  const ticking = await exec('run', { entryPoint: 'workload', args: ['tick', '100000', '50'], capture });
  await requestor.until('it ticks', async () => {
    const log = await (await requestor.raw('GET', `${path}/logs?stream=stdout`)).text();
    return log.includes('tick 1') ? true : undefined;
  });
  const canceled = await requestor.call<Batch>('POST', `${path}/batches/${ticking.batchId}/cancel`, {});
  expect(canceled).toMatchObject({
    finished: true,
    results: [
      {
        result: 'Error',
        reason: { code: 'Canceled' },
        stdoutCapture: { format: 'string', data: 'begin first', truncated: true },
      },
    ],
  });
  const timedOut = await exec('run', { entryPoint: 'workload', args: ['spin'], timeoutMs: 300 });
  expect((await finished(timedOut)).results[0]).toMatchObject({
    reason: { code: 'LimitExceeded', detail: { limit: 'time' } },
  });
  const hello = await finished(await exec('run', { entryPoint: 'workload', args: ['hello'], capture }));
  expect(hello.results[0]).toMatchObject({ result: 'Ok', stdoutCapture: { data: 'hello from ' } });
  await requestor.call('POST', `/v1/agreements/${agreement.agreementId}/terminate`, {
    reason: { code: 'Done', message: 'by hand' },
  });
});
