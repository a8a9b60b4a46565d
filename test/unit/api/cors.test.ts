import { afterEach, describe, expect, test } from 'vitest';
import { apiWorld, type ApiWorld } from './support/world.ts';

const PAGE = 'https://app.example.com';
const ELSEWHERE = 'https://elsewhere.example.com';

let world: ApiWorld;
afterEach(() => world.stop());

const preflight = (origin: string, headers: Record<string, string> = {}) =>
  world.app.inject({
    method: 'OPTIONS',
    url: '/v1/tasks',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
      ...headers,
    },
  });

const from = (origin: string, key: string, url = '/v1/node') =>
  world.app.inject({ method: 'GET', url, headers: { origin, authorization: `Bearer ${key}` } });

describe('pages of other sites', () => {
  test('a preflight needs no key: it is answered where some key may be used', async () => {
    world = await apiWorld();
    const answer = await preflight(PAGE, { 'access-control-request-private-network': 'true' });
    expect(answer.statusCode).toBe(204);
    expect(answer.body).toBe('');
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': PAGE,
      'access-control-allow-credentials': 'true',
      'access-control-allow-private-network': 'true',
      vary: 'Origin',
    });
    expect(answer.headers['access-control-allow-methods']).toContain('DELETE');
    for (const header of ['Authorization', 'Content-Type', 'Last-Event-ID'])
      expect(answer.headers['access-control-allow-headers']).toContain(header);
  });

  test.each([ELSEWHERE, 'null', 'https://gone.example.com', `${PAGE}.evil.example`, `${PAGE}:8443`])(
    'a preflight from %s is refused',
    async (origin) => {
      world = await apiWorld();
      const answer = await preflight(origin);
      expect(answer.json()).toMatchObject({ status: 403, code: 'ERR_API_ORIGIN' });
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  test('a key is good on the pages that it names, and on no others', async () => {
    world = await apiWorld();
    const answer = await from(PAGE, 'key-page');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe(PAGE);
    expect(answer.headers['access-control-expose-headers']).toContain('Location');
    expect((await from(ELSEWHERE, 'key-page')).json()).toMatchObject({ code: 'ERR_API_ORIGIN' });
    expect((await from(PAGE, 'key-read')).json()).toMatchObject({ code: 'ERR_API_ORIGIN' });
  });

  test('a request from elsewhere is refused before it does anything', async () => {
    world = await apiWorld();
    const answer = await world.post(
      '/v1/tasks',
      { package: `sha256:${'a'.repeat(64)}` },
      { origin: ELSEWHERE },
    );
    expect(answer.statusCode).toBe(403);
    expect(world.changes).toEqual([]);
  });

  test('what is wrong can be read on the page: no key, a bad one, no such thing', async () => {
    world = await apiWorld();
    expect((await from(PAGE, 'nobody')).headers['access-control-allow-origin']).toBe(PAGE);
    const missing = await from(PAGE, 'key-page', '/v1/tasks/unknown');
    expect(missing.statusCode).toBe(404);
    expect(missing.headers['access-control-allow-origin']).toBe(PAGE);
    expect((await from(ELSEWHERE, 'nobody')).statusCode).toBe(403);
  });

  test('the configuration lets pages in with any key', async () => {
    world = await apiWorld({ corsOrigins: [ELSEWHERE] });
    expect((await from(ELSEWHERE, 'key-read')).headers['access-control-allow-origin']).toBe(ELSEWHERE);
    expect((await preflight(ELSEWHERE)).statusCode).toBe(204);
    expect((await from('https://third.example.com', 'key-read')).statusCode).toBe(403);
  });

  test('* lets all pages in, each under its own name', async () => {
    world = await apiWorld({ corsOrigins: ['*'] });
    expect((await from(ELSEWHERE, 'key-read')).headers['access-control-allow-origin']).toBe(ELSEWHERE);
  });

  test('who is no page of another site is not asked', async () => {
    world = await apiWorld();
    expect((await world.get('/v1/node')).headers['access-control-allow-origin']).toBeUndefined();
    const own = await world.get('/v1/node', { host: 'localhost:7465', origin: 'http://localhost:7465' });
    expect(own.statusCode).toBe(200);
  });

  test('a stream of events may be read on the page', async () => {
    world = await apiWorld();
    const url = await world.app.listen({ host: '127.0.0.1', port: 0 });
    const answer = await fetch(`${url}/v1/events`, {
      headers: { origin: PAGE, authorization: 'Bearer key-page', accept: 'text/event-stream' },
    });
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
    await answer.body?.cancel();
  });

  test('keys tell their origins, and take only such as browsers send', async () => {
    world = await apiWorld();
    const made = await world.post('/v1/app-keys', { name: 'p', scopes: ['read'], corsOrigins: [PAGE] });
    expect(made.json()).toMatchObject({ corsOrigins: [PAGE] });
    for (const origin of [
      'app.example.com',
      `${PAGE}/`,
      'https://*.example.com',
      'https://APP.example.com',
    ]) {
      const answer = await world.post('/v1/app-keys', { name: 'p', scopes: ['read'], corsOrigins: [origin] });
      expect(answer.statusCode, origin).toBe(400);
    }
  });
});
