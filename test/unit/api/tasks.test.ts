import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bookBuckets, apiWorld, taskBody, type ApiWorld } from './support/world.ts';
import { buckets, save } from './support/fakes.ts';
import { attempt, HASH, invoiceRecord, taskRecord } from './support/samples.ts';

let world: ApiWorld;
beforeEach(async () => void (world = await apiWorld()));
afterEach(() => world.stop());

describe('POST /v1/tasks', () => {
  test('fills in the defaults and turns tokens into smallest units', async () => {
    const answer = await world.post('/v1/tasks', {
      ...taskBody,
      taskId: 'mine',
      budget: '1.5',
      stdin: 'hello',
    });
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe('/v1/tasks/mine');
    const { spec, bill } = answer.json();
    expect(spec).toMatchObject({
      runtime: 'wasi',
      entryPoint: 'main',
      budget: '1500000000000000000',
      maxAttempts: 3,
      limits: { cpuThreads: 1, memoryBytes: 268_435_456, wallTimeMs: 600_000 },
    });
    expect(spec.stdin).toBe('sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
    expect(spec).not.toHaveProperty('taskId');
    expect(bill).toEqual({
      platform: 'ledger',
      budget: spec.budget,
      accepted: '0',
      invoiced: '0',
      settled: '0',
    });
  });

  test.each([
    [{ ...taskBody, colour: 'red' }, '/body/colour'],
    [{ ...taskBody, limits: { memoryBytes: '256MiB' } }, '/body/limits/memoryBytes'],
    [{ ...taskBody, budget: '1.0000000000000000001' }, '/body/budget'],
    [{ ...taskBody, budget: -1 }, '/body/budget'],
    [{ ...taskBody, maxAttempts: '3' }, '/body/maxAttempts'],
    [{ ...taskBody, args: ['\ud800'] }, '/body/args/0'],
    [{}, '/body/package'],
    [[], '/body'],
  ])('refuses %j and names the place', async (body, path) => {
    const answer = await world.post('/v1/tasks', body);
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ code: 'ERR_API_INVALID', status: 400, errors: [{ path }] });
    expect(world.changes).toEqual([]);
  });

  test('an image that is pinned by its digest is a package too, for Docker', async () => {
    const image = `registry.example:5000/tools/cc:12@sha256:${'a'.repeat(64)}`;
    const made = await world.post('/v1/packages/images', { image: `docker://${image}` });
    expect(made.statusCode).toBe(201);
    const { hash } = made.json();
    expect((await world.post('/v1/packages/images', { image })).json()).toEqual(made.json());
    const chunks: Uint8Array[] = [];
    for await (const chunk of world.components.blobs.read(hash)) chunks.push(chunk);
    expect(JSON.parse(Buffer.concat(chunks).toString())).toEqual({ image });
    const { spec } = (await world.post('/v1/tasks', { ...taskBody, package: hash })).json();
    expect(spec).toMatchObject({ package: hash, image, runtime: 'docker' });
    const vm = (await world.post('/v1/tasks', { ...taskBody, package: hash, runtime: 'vm' })).json();
    expect(vm.spec).toMatchObject({ image, runtime: 'vm' });
    for (const loose of [`Alpine@sha256:${'a'.repeat(64)}`, 'alpine@sha256:abc', '../alpine', 'alpine 3']) {
      expect((await world.post('/v1/packages/images', { image: loose })).statusCode, loose).toBe(400);
    }
  });

  test('an image of the own engine is pinned, and goes along where nobody else has it', async () => {
    const pulled = await world.post('/v1/packages/images', { image: 'pulled:2' });
    expect(pulled.json()).toMatchObject({ image: `pulled@sha256:${'3'.repeat(64)}` });
    const built = await world.post('/v1/packages/images', { image: 'built:1' });
    expect(built.statusCode).toBe(201);
    expect(built.json()).toMatchObject({ image: `built:1@sha256:${'1'.repeat(64)}` });
    expect(await text(Readable.from(world.components.blobs.read(built.json().hash)))).toBe('archive 1');
    // It is not written a second time, by whichever name it comes.
    for (const image of ['built:1', `built:1@sha256:${'1'.repeat(64)}`])
      expect((await world.post('/v1/packages/images', { image })).json().hash).toBe(built.json().hash);
    const unknown = await world.post('/v1/packages/images', { image: 'alpine:3' });
    expect(unknown.json()).toMatchObject({ code: 'ERR_API_REFERENCE', status: 422 });
    expect(unknown.json().detail).toContain('alpine:3');
  });

  test('a platform that the node does not have is named with those that it has', async () => {
    const answer = await world.post('/v1/tasks', { ...taskBody, platform: 'erc20-main' });
    expect(answer.json()).toMatchObject({
      code: 'ERR_API_REFERENCE',
      status: 422,
      context: { platforms: ['ledger'] },
    });
  });
});

describe('Idempotency-Key', () => {
  const key = { 'idempotency-key': 'abc' };

  test('the same key and body answer the same and do it once', async () => {
    const first = await world.post('/v1/tasks', taskBody, key);
    const second = await world.post('/v1/tasks', taskBody, key);
    expect(second.json()).toEqual(first.json());
    expect(second.statusCode).toBe(202);
    expect(second.headers.location).toBe(first.headers.location);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(world.changes).toHaveLength(1);
  });

  test('the same key with another body is refused', async () => {
    await world.post('/v1/tasks', taskBody, key);
    const answer = await world.post('/v1/tasks', { ...taskBody, args: ['x'] }, key);
    expect(answer.json()).toMatchObject({ code: 'ERR_API_IDEMPOTENCY_MISMATCH', status: 422 });
    expect(world.changes).toHaveLength(1);
  });

  test('the key of another caller is another key', async () => {
    await world.post('/v1/tasks', taskBody, key);
    await world.call('POST', '/v1/tasks', { body: taskBody, key: 'key-requestor', headers: key });
    expect(world.changes).toHaveLength(2);
  });

  test('a repeat after a failure makes its resource under the same id', async () => {
    const ids: string[] = [];
    const submit = world.components.tasks.submit.bind(world.components.tasks);
    Object.assign(world.components.tasks, {
      submit: async (id: string, spec: Parameters<typeof submit>[1]) => {
        ids.push(id);
        if (ids.length === 1) throw new Error('killed');
        return submit(id, spec);
      },
    });
    expect((await world.post('/v1/tasks', taskBody, key)).statusCode).toBe(500);
    expect((await world.post('/v1/tasks', taskBody, key)).statusCode).toBe(202);
    expect(ids[1]).toBe(ids[0]);
  });
});

describe('reading tasks', () => {
  test('pages by cursor, newest first, and filters by state', async () => {
    for (const id of ['t1', 't2', 't3']) await save(world.store, buckets.tasks, id, taskRecord(id));
    await save(world.store, buckets.tasks, 't4', taskRecord('t4', { state: 'Failed' }));
    const first = (await world.get('/v1/tasks?limit=2&state=InProgress')).json();
    expect(first.items).toMatchObject([{ taskId: 't3' }, { taskId: 't2' }]);
    const second = (await world.get(`/v1/tasks?limit=2&state=InProgress&after=${first.next}`)).json();
    expect(second).toMatchObject({ items: [{ taskId: 't1' }] });
    expect(second).not.toHaveProperty('next');
  });

  test('sums up the bills of all attempts', async () => {
    await save(world.store, buckets.tasks, 't', taskRecord('t', { attempts: [attempt(1), attempt(2)] }));
    await save(world.store, bookBuckets.invoices, 'i1', invoiceRecord('i1'));
    const second = invoiceRecord('i2', { state: 'Accepted' });
    await save(world.store, bookBuckets.invoices, 'i2', {
      ...second,
      invoice: { ...second.invoice, agreementId: 'agreement-2', amount: '700000' },
    });
    const { bill } = (await world.get('/v1/tasks/t')).json();
    expect(bill).toMatchObject({ invoiced: '2000000', settled: '1300000' });
  });

  test('an unknown one is 404 with its id', async () => {
    const answer = await world.get('/v1/tasks/nope');
    expect(answer.json()).toMatchObject({
      status: 404,
      code: 'ERR_API_NOT_FOUND',
      context: { kind: 'task', id: 'nope' },
    });
  });

  test('cancels', async () => {
    await save(world.store, buckets.tasks, 't', taskRecord('t'));
    const answer = await world.post('/v1/tasks/t/cancel');
    expect(answer.json()).toMatchObject({ state: 'Canceled' });
  });
});

describe('removing', () => {
  test.each([
    ['/v1/tasks/t', 'task t'],
    [`/v1/packages/${HASH}`, `package ${HASH}`],
    [`/v1/blobs/${HASH}`, `blob ${HASH}`],
  ])('DELETE %s says what went', async (url, what) => {
    expect((await world.call('DELETE', url, { key: 'key-read' })).statusCode).toBe(403);
    const answer = await world.call('DELETE', url, { key: 'key-requestor' });
    expect(answer.json()).toEqual({ removed: true, blobs: 2, freedBytes: 2048 });
    expect(world.changes).toEqual([`remove ${what}`]);
  });

  test('is refused with what to do, and harmless for what is not there', async () => {
    const answer = await world.call('DELETE', '/v1/tasks/open');
    expect(answer.json()).toMatchObject({
      status: 409,
      code: 'ERR_TASK_NOT_OVER',
      remedy: expect.stringContaining('ergon task cancel'),
    });
    expect((await world.call('DELETE', '/v1/tasks/gone')).json()).toMatchObject({ removed: false });
    expect((await world.call('DELETE', '/v1/blobs/nohash')).statusCode).toBe(400);
    expect(world.changes).toEqual([]);
  });

  test('a package says how many tasks need it, and the node what its files take', async () => {
    const headers = { 'content-type': 'application/wasm' };
    const { hash } = (await world.call('POST', '/v1/packages', { body: Buffer.from('abc'), headers })).json();
    expect((await world.get(`/v1/packages/${hash}`)).json()).toMatchObject({ openTasks: 0 });
    expect((await world.get('/v1/packages')).json()).toMatchObject({ items: [{ hash, openTasks: 0 }] });
    expect((await world.get('/v1/node')).json()).toMatchObject({
      blobs: { bytes: 3, count: 1, cachedBytes: 0 },
    });
  });
});

describe('results', () => {
  test('are listed, and downloaded by path or index', async () => {
    const { hash } = (
      await world.post('/v1/blobs', Buffer.from('out\0put'), { 'content-type': 'application/octet-stream' })
    ).json();
    const result = {
      exitCode: 3,
      stdoutBytes: 1,
      stderrBytes: 2,
      outputs: [{ path: '/out/a b', blob: hash, sizeBytes: 7 }],
    };
    await save(world.store, buckets.tasks, 't', taskRecord('t', { state: 'Succeeded', result }));
    expect((await world.get('/v1/tasks/t/results')).json()).toEqual({
      taskId: 't',
      state: 'Succeeded',
      exitCode: 3,
      stdoutBytes: 1,
      stderrBytes: 2,
      outputs: [{ index: 0, path: '/out/a b', blob: hash, sizeBytes: 7 }],
    });
    for (const name of ['0', 'out/a%20b']) {
      const file = await world.get(`/v1/tasks/t/results/${name}`);
      expect(file.body).toBe('out\0put');
      expect(file.headers).toMatchObject({
        'content-length': '7',
        etag: `"${hash}"`,
        'x-content-type-options': 'nosniff',
      });
    }
    expect((await world.get('/v1/tasks/t/results/out/c')).json()).toMatchObject({
      status: 404,
      context: { outputs: ['/out/a b'] },
    });
    expect((await world.get(`/v1/blobs/${HASH}`)).statusCode).toBe(404);
  });
});
