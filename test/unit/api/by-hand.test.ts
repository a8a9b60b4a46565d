import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ErgonError } from '../../../src/interface/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { IDEMPOTENCY_TTL_MS, idempotencyBucket } from '../../../src/api/idempotency.ts';
import { buckets, save } from './support/fakes.ts';
import { activityRecord, agreementRecord, debitNoteRecord, HASH, invoiceRecord } from './support/samples.ts';
import { apiWorld, bookBuckets, taskBody, type ApiWorld } from './support/world.ts';

let world: ApiWorld;
let clock: FakeClock;
beforeEach(async () => {
  clock = new FakeClock();
  world = await apiWorld({ clock });
});
afterEach(() => world.stop());

const upload = async (path: string, bytes: string): Promise<string> =>
  (await world.post(path, Buffer.from(bytes), { 'content-type': 'application/wasm' })).json<{
    hash: string;
  }>().hash;

describe('the sequence by hand', () => {
  test('offer, agreement, activity, deploy, start, run, result, terminate', async () => {
    expect((await world.get('/v1/offers')).json()).toMatchObject({
      items: [{ offer: { offerId: 'offer-1' } }],
    });
    const agreement = await world.post('/v1/agreements', {
      agreementId: 'a',
      offerId: 'offer-1',
      budget: '2',
    });
    expect(agreement.statusCode).toBe(201);
    const hash = await upload('/v1/packages?name=hello.wasm', 'wasm');
    const activity = await world.post('/v1/activities', {
      activityId: 'act',
      agreementId: 'a',
      package: hash,
      limits: { cpuTimeMs: 5 },
    });
    expect(activity.json()).toMatchObject({ package: { hash, sizeBytes: 4 }, limits: { cpuTimeMs: 5 } });

    const deployed = await world.post('/v1/activities/act/deploy', { batchId: 'b1' });
    expect(deployed.statusCode).toBe(202);
    expect(deployed.headers.location).toBe('/v1/activities/act/batches/b1');
    await world.post('/v1/activities/act/start', { batchId: 'b2', args: ['x'] });
    const run = { batchId: 'b3', entryPoint: 'main', args: ['-v'], env: { A: '1' }, timeoutMs: 500 };
    await world.post('/v1/activities/act/run', run);
    await world.post('/v1/activities/act/exec', { batchId: 'b4', script: [{ sign: {} }, { terminate: {} }] });
    await world.activities.finish('act', 'b4');
    expect((await world.get('/v1/activities/act/batches/b4?waitMs=1000')).json()).toMatchObject({
      finished: true,
    });
    expect((await world.get('/v1/activities/act/result')).json()).toMatchObject({
      batchId: 'b4',
      ok: true,
      exitCode: 7,
    });
    expect((await world.post('/v1/activities/act/terminate')).json()).toEqual({
      activityId: 'act',
      state: 'Completed',
    });
    await world.post('/v1/agreements/a/terminate');

    expect(world.changes).toEqual([
      'agreement a',
      'allocation a 2000000000000000000',
      'assign a a',
      `blob ${hash}`,
      'activity act',
      'exec b1 [{"deploy":{}}]',
      'exec b2 [{"start":{"args":["x"]}}]',
      'exec b3 [{"run":{"entry_point":"main","args":["-v"],"env":{"A":"1"},"timeout_ms":500}}]',
      'exec b4 [{"sign":{}},{"terminate":{}}]',
      'destroy act',
      'terminate a Requestor',
    ]);
  });

  test('a wait for a batch ends when its time is up, with what there is', async () => {
    await save(world.store, buckets.activities, 'act', activityRecord('act'));
    await world.post('/v1/activities/act/deploy', { batchId: 'b1' });
    const answer = world.get('/v1/activities/act/batches/b1?waitMs=30000');
    await clock.advance(29_999);
    await clock.advance(1);
    expect((await answer).json()).toMatchObject({ batchId: 'b1', finished: false });
    expect((await world.get('/v1/activities/other/batches/b1')).statusCode).toBe(404);
  });

  test('a command that is given no time at all is refused', async () => {
    await save(world.store, buckets.activities, 'act', activityRecord('act'));
    const run = await world.post('/v1/activities/act/run', { batchId: 'b1', timeoutMs: 0 });
    const script = [{ deploy: {} }, { run: { entry_point: 'main', timeout_ms: 0 } }];
    const exec = await world.post('/v1/activities/act/exec', { batchId: 'b2', script });
    expect([run.statusCode, exec.statusCode]).toEqual([400, 400]);
    expect(run.json()).toMatchObject({
      errors: [{ path: '/body/timeoutMs', expected: 'must be >= 1', got: '0' }],
    });
    expect(exec.json()).toMatchObject({
      errors: [{ path: '/body/script/1/run/timeout_ms', expected: 'must be >= 1', got: '0' }],
    });
    expect(world.changes).toEqual([]);
  });

  test('an end of the agreement among its properties is refused, not overlooked', async () => {
    const answer = await world.post('/v1/agreements', {
      properties: { 'golem.srv.comp.expiration': 1_900_000_000_000 },
    });
    expect(answer.json()).toMatchObject({
      ...{ status: 400, code: 'ERR_API_INVALID' },
      detail: expect.stringContaining('say expiresAt') as unknown,
    });
  });

  test('nobody agreeing sets no money aside', async () => {
    const refusal = new ErgonError('ERR_MARKET_NO_OFFER', 'no offer matches', { offers: [] });
    Object.assign(world.components.agreements, { request: () => Promise.reject(refusal) });
    const answer = await world.post('/v1/agreements', {
      budget: '1',
      constraints: '(golem.runtime.name=vm)',
    });
    expect(answer.json()).toMatchObject({ status: 409, code: 'ERR_MARKET_NO_OFFER' });
    expect(world.changes).toEqual([]);
  });

  test('a package that is not here is named', async () => {
    const answer = await world.post('/v1/activities', { agreementId: 'a', package: HASH });
    expect(answer.json()).toMatchObject({ status: 422, code: 'ERR_API_REFERENCE', context: { hash: HASH } });
  });
});

describe('verification of an agreement', () => {
  test('says of each signature whether it holds', async () => {
    await save(world.store, buckets.agreements, 'a', agreementRecord('a'));
    const good = (await world.get('/v1/agreements/a/verification')).json();
    expect(good).toMatchObject({ valid: true, digest: { matches: true } });
    expect(good.signatures).toHaveLength(3);
    Object.assign(world.components.verifier, {
      verify: (kind: string) => {
        if (kind === 'Offer') throw new ErgonError('ERR_IDENTITY_SIGNATURE', 'signed by another');
      },
    });
    const bad = (await world.get('/v1/agreements/a/verification')).json();
    expect(bad).toMatchObject({
      valid: false,
      signatures: [
        { document: 'offer', status: 'invalid', message: 'signed by another' },
        { status: 'valid' },
        { status: 'valid' },
      ],
    });
  });

  test('a changed digest, or a signature missing from an approved agreement, is not valid', async () => {
    await save(world.store, buckets.agreements, 'a', agreementRecord('a', { digest: `0x${'3'.repeat(64)}` }));
    expect((await world.get('/v1/agreements/a/verification')).json()).toMatchObject({ valid: false });
    await save(world.store, buckets.agreements, 'b', agreementRecord('b', { signatures: {} }));
    expect((await world.get('/v1/agreements/b/verification')).json()).toMatchObject({ valid: false });
    await save(
      world.store,
      buckets.agreements,
      'c',
      agreementRecord('c', { signatures: {}, state: 'Pending' }),
    );
    expect((await world.get('/v1/agreements/c/verification')).json()).toMatchObject({ valid: true });
  });
});

describe('files', () => {
  test('packages are listed by themselves; the same bytes are stored once', async () => {
    const hash = await upload('/v1/packages?name=a.wasm', 'abc');
    expect(await upload('/v1/packages', 'abc')).toBe(hash);
    await upload('/v1/blobs', 'input');
    expect((await world.get('/v1/packages')).json()).toMatchObject({
      items: [{ hash, sizeBytes: 3, name: 'a.wasm' }],
    });
    expect((await world.get(`/v1/packages/${hash}`)).json()).toMatchObject({ name: 'a.wasm' });
    expect((await world.call('HEAD', `/v1/packages/${hash}`)).statusCode).toBe(200);
    expect((await world.call('HEAD', `/v1/packages/${HASH}`)).statusCode).toBe(404);
    expect((await world.get('/v1/blobs')).json().items).toHaveLength(2);
  });

  test('blobs come back byte for byte; HEAD tells their size', async () => {
    const hash = await upload('/v1/blobs', '\0\r\nx');
    const blob = await world.get(`/v1/blobs/${hash}`);
    expect(blob.body).toBe('\0\r\nx');
    const head = await world.call('HEAD', `/v1/blobs/${hash}`);
    expect(head.headers['content-length']).toBe('4');
    expect(head.body).toBe('');
  });

  test('an upload over the limit is refused, with and without Content-Length', async () => {
    const small = await apiWorld({ limits: { maxPackageBytes: 10 } });
    const base = await small.app.listen({ host: '127.0.0.1', port: 0 });
    const headers = { authorization: 'Bearer key-admin', 'content-type': 'application/octet-stream' };
    const whole = await fetch(`${base}/v1/blobs`, { method: 'POST', headers, body: 'x'.repeat(11) });
    const chunks = new Blob(['x'.repeat(11)]).stream();
    const streamed = await fetch(`${base}/v1/blobs`, {
      method: 'POST',
      headers,
      body: chunks,
      duplex: 'half',
    });
    for (const answer of [whole, streamed]) {
      expect(await answer.json()).toMatchObject({
        status: 413,
        code: 'ERR_API_BODY_TOO_LARGE',
        context: { maxBytes: 10 },
      });
    }
    expect(small.changes).toEqual([]);
    await small.stop();
  });
});

describe('bills', () => {
  test('are listed with filters and shown', async () => {
    await save(world.store, bookBuckets.debitNotes, 'n1', debitNoteRecord('n1'));
    await save(world.store, bookBuckets.invoices, 'i1', invoiceRecord('i1'));
    await save(world.store, bookBuckets.invoices, 'i2', invoiceRecord('i2', { state: 'Accepted' }));
    expect((await world.get('/v1/debit-notes?activity=activity-1')).json().items).toHaveLength(1);
    expect((await world.get('/v1/debit-notes?activity=activity-2')).json().items).toEqual([]);
    expect((await world.get('/v1/invoices?agreement=agreement-1&state=Accepted')).json()).toMatchObject({
      items: [{ invoice: { invoiceId: 'i2' } }],
    });
    expect((await world.get('/v1/invoices/i1')).json()).toMatchObject({ state: 'Settled' });
    expect((await world.get('/v1/payments')).json()).toEqual({ items: [] });
    expect((await world.get('/v1/allocations/none')).statusCode).toBe(404);
  });
});

test('idempotency keys are forgotten after a day', async () => {
  await world.post('/v1/tasks', taskBody, { 'idempotency-key': 'k' });
  await clock.advance(IDEMPOTENCY_TTL_MS + 1);
  await world.post('/v1/tasks', taskBody, { 'idempotency-key': 'other' });
  await world.context.idempotency.purge();
  expect(await world.store.list(idempotencyBucket)).toHaveLength(1);
});
