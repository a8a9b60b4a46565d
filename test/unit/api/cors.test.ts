import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
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
      'access-control-allow-headers': 'authorization, content-type',
      vary: 'Origin, Access-Control-Request-Headers',
    });
    expect(answer.headers['access-control-allow-methods']).toContain('DELETE');
  });

  test('whatever the page wants to send is allowed, when it is a list of names', async () => {
    world = await apiWorld();
    const asking = async (names: string) =>
      (await preflight(PAGE, { 'access-control-request-headers': names })).headers[
        'access-control-allow-headers'
      ];
    expect(await asking('authorization,cache-control,x-trace')).toBe('authorization, cache-control, x-trace');
    expect(await asking('a b')).toBeUndefined();
    expect(await asking(`x-${'a'.repeat(200)}`)).toBeUndefined();
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
    const otherKey = await from(PAGE, 'key-read');
    expect(otherKey.statusCode).toBe(403);
    expect(otherKey.headers['access-control-allow-origin']).toBe(PAGE);
  });

  test('what is refused before the key is looked at can be read as well: too much, no URL, too large', async () => {
    world = await apiWorld({ limits: { rateLimitPerMinute: 2, maxBodyBytes: 10 } });
    const broken = await from(PAGE, 'key-page', '/v1/tasks/%zz');
    expect(broken.statusCode).toBe(400);
    expect(broken.headers['access-control-allow-origin']).toBe(PAGE);
    const large = await world.post(
      '/v1/tasks',
      { package: 'too long' },
      { origin: PAGE, authorization: 'Bearer key-page' },
    );
    expect(large.statusCode).toBe(413);
    expect(large.headers['access-control-allow-origin']).toBe(PAGE);
    await from(PAGE, 'key-page');
    const many = await from(PAGE, 'key-page');
    expect(many.statusCode).toBe(429);
    expect(many.headers).toMatchObject({ 'access-control-allow-origin': PAGE, vary: 'Origin' });
    expect(many.headers['access-control-expose-headers']).toContain('Retry-After');
    expect((await preflight(PAGE)).statusCode).toBe(204);
    expect((await preflight(ELSEWHERE)).statusCode).toBe(429);
  });

  test('a preflight is answered whatever becomes of the request', async () => {
    world = await apiWorld();
    const answer = await world.app.inject({
      method: 'OPTIONS',
      url: '/v1/tasks/%zz',
      headers: { origin: PAGE, 'access-control-request-method': 'GET' },
    });
    expect(answer.statusCode).toBe(204);
  });

  test('a body that does not come in time is refused for the page to read', async () => {
    world = await apiWorld();
    const url = new URL(await world.app.listen({ host: '127.0.0.1', port: 0 }));
    const arrived = once(world.app.server, 'request') as Promise<[IncomingMessage]>;
    const page = connect(Number(url.port), url.hostname);
    const head = ['POST /v1/tasks HTTP/1.1', `Host: ${url.host}`, `Origin: ${PAGE}`, 'Content-Length: 10'];
    page.write(
      [...head, 'Authorization: Bearer key-page', 'Content-Type: application/json', '', ''].join('\r\n'),
    );
    const [{ socket }] = await arrived;
    // As Node's own timer does.
    const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    world.app.server.emit('clientError', late, socket);
    const answer = await text(page);
    expect(answer).toContain('HTTP/1.1 408');
    expect(answer).toContain(`access-control-allow-origin: ${PAGE}\r\n`);
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
