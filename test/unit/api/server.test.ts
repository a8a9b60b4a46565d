import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { api } from '../../../src/api/index.ts';
import { apiErrors } from '../../../src/api/errors.ts';
import { PUBLIC_CODES } from '../../../src/api/problem-status.ts';
import { remedyOf } from '../../../src/api/remedies.ts';
import { FakeError } from './support/fakes.ts';
import { apiWorld, type ApiWorld } from './support/world.ts';

let world: ApiWorld;
afterEach(() => world.stop());

describe('problems', () => {
  test('a wrong path is 404, a wrong method 405 with those that are right', async () => {
    world = await apiWorld();
    expect((await world.get('/v1/nope?x=1')).json()).toMatchObject({
      status: 404,
      code: 'ERR_API_ROUTE_NOT_FOUND',
    });
    const answer = await world.call('DELETE', '/v1/tasks/abc/cancel');
    expect(answer.json()).toMatchObject({ status: 405, code: 'ERR_API_METHOD_NOT_ALLOWED' });
    expect(answer.headers.allow).toBe('POST');
  });

  test('an error that nobody foresaw shows nothing of itself', async () => {
    world = await apiWorld();
    const secret = 'password of the database';
    for (const error of [new TypeError(secret), new FakeError('ERR_SOME_PART', secret, { secret })]) {
      Object.assign(world.components.node, { info: () => Promise.reject(error) });
      const answer = await world.get('/v1/node');
      expect(answer.json()).toMatchObject({ status: 500, code: 'ERR_API_INTERNAL' });
      expect(answer.body).not.toContain('password');
    }
  });

  test('the error of a part keeps its code, message and figures', async () => {
    world = await apiWorld();
    const answer = await world.get('/v1/offers?constraints=golem');
    expect(answer.json()).toMatchObject({
      status: 400,
      code: 'ERR_MARKET_CONSTRAINT_SYNTAX',
      detail: 'no (',
      context: { column: 1 },
    });
  });

  test('every public code stands in a catalogue, whose remedy goes with it', async () => {
    world = await apiWorld();
    expect(PUBLIC_CODES.filter((code) => remedyOf(code) === undefined)).toEqual([]);
    // A server that does not start answers nobody.
    expect(Object.keys(apiErrors).filter((code) => !PUBLIC_CODES.includes(code))).toEqual(['ERR_API_START']);
    expect((await world.get('/v1/tasks/x')).json()).toMatchObject({
      remedy: apiErrors.ERR_API_NOT_FOUND.remedy,
    });
  });
});

describe('limits', () => {
  test('too many requests are 429, counted before the key is looked at', async () => {
    world = await apiWorld({ limits: { rateLimitPerMinute: 2 } });
    await world.call('GET', '/v1/node', { key: 'guess-1' });
    await world.call('GET', '/v1/node', { key: 'guess-2' });
    const answer = await world.call('GET', '/v1/node', { key: 'guess-3' });
    expect(answer.json()).toMatchObject({ status: 429, code: 'ERR_API_RATE_LIMITED' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  test.each([
    ['NONSENSE\r\n\r\n', 400, 'ERR_API_REQUEST'],
    ['GET /v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400, 'ERR_API_REQUEST'],
    [
      `GET /v1/health HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'ERR_API_HEADERS_TOO_LARGE',
    ],
  ])('what is no HTTP gets a problem by hand', async (text, status, code) => {
    world = await apiWorld();
    const { port } = new URL(await world.app.listen({ host: '127.0.0.1', port: 0 }));
    const answer = await new Promise<string>((resolve, reject) => {
      let received = '';
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => (received += chunk.toString()));
      socket.on('close', () => resolve(received)).on('error', reject);
    });
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('Content-Type: application/problem+json');
    expect(answer).toContain(code);
  });
});

describe('app-keys', () => {
  test('are shown without what the books keep of their secret', async () => {
    world = await apiWorld();
    const list = await world.get('/v1/app-keys');
    expect(list.json<{ items: object[] }>().items[0]).toEqual({
      appKeyId: 'k1',
      name: 'reader',
      scopes: ['read'],
      createdAt: 1,
    });
    expect(list.body).not.toContain('hidden');
    const made = await world.post('/v1/app-keys', { name: 'ci', scopes: ['requestor'] });
    expect(made.json()).toMatchObject({ key: 'secret', name: 'ci' });
    expect(made.body).not.toContain('hidden');
    expect((await world.call('DELETE', '/v1/app-keys/k1')).json()).toMatchObject({ revokedAt: 2 });
    expect((await world.call('DELETE', '/v1/app-keys/k7')).statusCode).toBe(404);
    expect(world.changes).toEqual(['app-key ci', 'revoke k1']);
  });
});

describe('the node', () => {
  test('health needs no key, and fails with 503', async () => {
    world = await apiWorld();
    expect((await world.app.inject('/v1/health')).json()).toEqual({ status: 'ok', checks: { store: 'ok' } });
    Object.assign(world.components.node, {
      health: async () => ({ ok: false, checks: { store: 'damaged' } }),
    });
    expect((await world.get('/v1/health')).statusCode).toBe(503);
  });

  test('shows itself, its peers and its metrics; backs up for an admin', async () => {
    world = await apiWorld();
    expect((await world.get('/v1/node')).json()).toMatchObject({ platforms: [{ symbol: 'ERG' }] });
    expect((await world.get('/v1/peers')).json().items).toHaveLength(1);
    const metrics = await world.get('/v1/metrics');
    expect(metrics.headers['content-type']).toMatch(/^text\/plain; version=0.0.4/);
    expect(metrics.body).toBe('# HELP up\nup 1\n');
    expect((await world.post('/v1/store/backup', { name: 'b1' })).json()).toEqual({
      path: '/data/backups/b1',
      records: 3,
    });
    expect((await world.post('/v1/store/backup', { name: '../b1' })).statusCode).toBe(400);
  });
});

test('starts on a free port and stops', async () => {
  world = await apiWorld();
  const server = api({ host: '127.0.0.1', port: 0, version: '1.2.3' }, world.components);
  expect(() => server.url()).toThrow(/start/);
  await server.start();
  const health = await fetch(`${server.url()}/v1/health`);
  expect(health.status).toBe(200);
  const url = server.url();
  const port = Number(new URL(url).port);
  const second = api({ host: '127.0.0.1', port, version: '1.2.3' }, world.components);
  await expect(second.start()).rejects.toMatchObject({
    code: 'ERR_API_START',
    message: expect.stringContaining(`127.0.0.1 port ${port}: listen EADDRINUSE`),
  });
  expect(() => second.url()).toThrow(/start/);
  await server.stop();
  await server.stop();
  await expect(fetch(`${url}/v1/health`)).rejects.toThrow();
});
