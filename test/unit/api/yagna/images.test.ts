import { afterEach, beforeEach, expect, it } from 'vitest';
import { yagnaWorld, type YagnaWorld } from './support/yagna-world.ts';

let world: YagnaWorld;
beforeEach(async () => {
  world = await yagnaWorld();
});
afterEach(() => world.stop());

const info = (query: string) => world.request('GET', `/v1/image/info?count=true&${query}`);

it('an image tag that nobody has configured is looked for in the engine of this machine', async () => {
  const digest = '1'.repeat(64);
  const url = `docker://built:1@sha256:${digest}`;
  expect((await info('tag=built:1')).json()).toEqual({ http: url, https: url, sha3: digest });
  const pulled = `docker://pulled@sha256:${'3'.repeat(64)}`;
  expect((await info('tag=pulled:2')).json()).toMatchObject({ http: pulled, sha3: '3'.repeat(64) });
  const unknown = await info('tag=golem/alpine:latest');
  expect(unknown.statusCode).toBe(404);
  expect(unknown.json<{ message: string }>().message).toContain('golem/alpine:latest');
});
