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
  expect((await info('tag=built:1')).json()).toEqual({ http: url, https: url, sha3: digest, size: 0 });
  const pulled = `docker://pulled@sha256:${'3'.repeat(64)}`;
  expect((await info('tag=pulled:2')).json()).toMatchObject({ http: pulled, sha3: '3'.repeat(64) });
  const unknown = await info('tag=golem/alpine:latest');
  expect(unknown.statusCode).toBe(404);
  expect(unknown.json<{ message: string }>().message).toContain('golem/alpine:latest');
});

it('an upload is known by every name that it was given, before the image of this machine', async () => {
  const upload = (name: string, body: string) =>
    world.app.inject({
      method: 'POST',
      url: `/v1/packages?name=${encodeURIComponent(name)}`,
      headers: { authorization: 'Bearer key-admin', 'content-type': 'application/octet-stream' },
      payload: body,
    });
  const { hash } = (await upload('golem/alpine:latest', 'an image')).json<{ hash: string }>();
  await upload('built:1', 'an image');
  for (const tag of ['golem/alpine:latest', 'built:1'])
    expect((await info(`tag=${tag}`)).json<{ http: string }>().http).toMatch(
      new RegExp(`/v1/blobs/${hash}$`),
    );
  const newer = (await upload('built:1', 'a newer one')).json<{ hash: string }>().hash;
  expect((await info('tag=built:1')).json<{ http: string }>().http).toMatch(
    new RegExp(`/v1/blobs/${newer}$`),
  );
  const { sha3, size } = (await info('tag=golem/alpine:latest')).json<{ sha3: string; size: number }>();
  expect(size).toBe('an image'.length);
  expect((await info(`hash=${sha3}`)).json<{ http: string }>().http).toMatch(
    new RegExp(`/v1/blobs/${hash}$`),
  );
});
