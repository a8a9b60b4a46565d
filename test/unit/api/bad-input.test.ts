import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiErrors } from '../../../src/api/errors.ts';
import { Problem } from '../../../src/api/problem.ts';
import { fill, operations, type Route } from './support/document.ts';
import { buckets, save } from './support/fakes.ts';
import { activityRecord, agreementRecord, HASH, taskRecord } from './support/samples.ts';
import { apiWorld, type ApiWorld } from './support/world.ts';

const problem = Compile(Problem);
const JSON_TYPE = { 'content-type': 'application/json' };

let world: ApiWorld;
let routes: Route[];
beforeAll(async () => {
  world = await apiWorld({ limits: { maxBodyBytes: 100_000, rateLimitPerMinute: 1_000_000 } });
  ({ routes } = await operations(world.app));
  // So that a good path leads past the 404 to what is wrong with the rest.
  await save(world.store, buckets.tasks, 'known', taskRecord('known'));
  await save(world.store, buckets.agreements, 'known', agreementRecord('known'));
  await save(world.store, buckets.activities, 'known', activityRecord('known'));
});
afterAll(() => world.stop());

const goodPath = (path: string): string => fill(path, (name) => (name === 'hash' ? HASH : 'known'));

interface Attempt {
  readonly url: string;
  readonly headers?: Record<string, string>;
  readonly payload?: string | Buffer;
}

/** Refused with a problem that is ours, and nothing has happened. */
async function refused(route: Route, { url, headers, payload }: Attempt, statuses?: number[]): Promise<void> {
  const before = world.changes.length;
  const answer = await world.app.inject({
    method: route.method,
    url,
    headers: { authorization: 'Bearer key-admin', ...headers },
    ...(payload !== undefined && { payload }),
  });
  const seen = `${route.method} ${url.slice(0, 200)} ${String(payload).slice(0, 200)} → ${answer.statusCode} ${answer.body}`;
  expect(answer.statusCode, seen).toBeGreaterThanOrEqual(400);
  expect(answer.statusCode, seen).toBeLessThan(500);
  if (statuses !== undefined) expect(statuses, seen).toContain(answer.statusCode);
  expect(world.changes.slice(before), seen).toEqual([]);
  if (route.method === 'HEAD') return;
  expect(answer.headers['content-type'], seen).toBe('application/problem+json');
  const body: unknown = answer.json();
  expect(problem.Check(body), seen).toBe(true);
  expect(Object.keys(apiErrors), seen).toContain(answer.json().code);
}

describe('every route', () => {
  test('refuses a caller without a key, or with one that is unknown or too weak', async () => {
    for (const route of routes.filter(({ operation }) => operation.security !== undefined)) {
      const url = goodPath(route.path);
      await refused(route, { url, headers: { authorization: '' } }, [401]);
      await refused(route, { url, headers: { authorization: 'Bearer nope' } }, [401]);
      await refused(route, { url, headers: { authorization: `Basic ${'x'.repeat(5000)}` } }, [401]);
      if (route.method !== 'GET' && route.method !== 'HEAD') {
        await refused(route, { url, headers: { authorization: 'Bearer key-read' } }, [403]);
      }
    }
  });

  test('refuses malformed path parameters', async () => {
    for (const route of routes.filter(({ path }) => path.includes('{'))) {
      for (const bad of [
        'a%20b',
        '%00',
        '%E0%A4%A',
        'x'.repeat(5000),
        '..%2f..%2fetc',
        'sha256:zz',
        '%F0%9F%98%80',
      ]) {
        await refused(route, { url: fill(route.path, () => bad) });
      }
    }
  });

  test('refuses unknown and malformed query members', async () => {
    for (const route of routes.filter(
      ({ operation }) => operation.parameters?.some((p) => p.in === 'query') === true,
    )) {
      const url = goodPath(route.path);
      await refused(route, { url: `${url}?nonsense=1` });
      await refused(route, { url: `${url}?__proto__=1` });
      for (const { name, schema } of route.operation.parameters?.filter((p) => p.in === 'query') ?? []) {
        for (const bad of [
          '',
          '-1',
          '1e99',
          '%00',
          '\u202e',
          "'; drop",
          '1&'.concat(name, '=2'),
          'x'.repeat(20_000),
        ]) {
          const given = decodeURIComponent(bad);
          if (!given.includes('&') && fits(schema, given)) continue;
          await refused(
            route,
            { url: `${url}?${name}=${bad.includes('&') ? bad : encodeURIComponent(given)}` },
            [400, 404],
          );
        }
      }
    }
  });

  test('refuses malformed headers that it reads', async () => {
    for (const route of routes) {
      for (const { name } of route.operation.parameters?.filter((p) => p.in === 'header') ?? []) {
        for (const bad of ['', ' ', 'x'.repeat(300), 'a b', '\u00e9']) {
          await refused(
            route,
            { url: goodPath(route.path), headers: { [name]: bad, accept: 'text/event-stream' } },
            [400],
          );
        }
      }
    }
  });

  test('refuses bodies that are no JSON, of another type, too large, or nested without end', async () => {
    for (const route of routes.filter((r) => bodySchema(r) !== undefined)) {
      const url = goodPath(route.path);
      for (const payload of [
        '{',
        '',
        'nul',
        '\u0000',
        '{"a":1}}',
        '{"__proto__":{"x":1}}',
        '"text"',
        '[]',
        '7',
      ]) {
        await refused(route, { url, headers: JSON_TYPE, payload }, [400]);
      }
      await refused(route, { url, headers: { 'content-type': 'text/plain' }, payload: 'x' }, [415]);
      await refused(
        route,
        { url, headers: { 'content-type': 'multipart/form-data; boundary=x' }, payload: 'x' },
        [415],
      );
      await refused(route, { url, headers: JSON_TYPE, payload: `"${'x'.repeat(100_001)}"` }, [413]);
      await refused(
        route,
        { url, headers: JSON_TYPE, payload: `${'['.repeat(40_000)}${']'.repeat(40_000)}` },
        [400],
      );
      await refused(
        route,
        { url, headers: JSON_TYPE, payload: `{"a":${'{"a":'.repeat(9000)}1${'}'.repeat(9001)}` },
        [400],
      );
    }
  });

  test('refuses any JSON that its schema does not fit', async () => {
    const withBody = routes.flatMap((route) => {
      const schema = bodySchema(route);
      return schema === undefined ? [] : [{ route, check: Compile(schema), schema }];
    });
    expect(withBody.length).toBeGreaterThan(10);
    for (const { route, check, schema } of withBody) {
      const url = goodPath(route.path);
      const names = Object.keys((schema as { properties?: object }).properties ?? {});
      const value = fc.oneof(
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom(...names, 'unknown'), fc.jsonValue(), { minKeys: 1 }),
      );
      const property = fc.asyncProperty(value, async (body) => {
        // A served default is not there to be filled in, so a body that only lacks defaults is passed over.
        fc.pre(body !== null && !check.Check({ ...defaultsOf(schema), ...Object(body) }));
        await refused(route, { url, headers: JSON_TYPE, payload: JSON.stringify(body) }, [400]);
      });
      await fc.assert(property, { numRuns: 25 });
    }
  });

  test('refuses an upload that is not one', async () => {
    for (const route of routes.filter(
      ({ method, path }) => method === 'POST' && /^\/v1\/(packages|blobs)$/.test(path),
    )) {
      await refused(route, { url: route.path, headers: JSON_TYPE, payload: '{}' }, [415]);
      await refused(route, { url: route.path }, [415]);
    }
  });
});

function bodySchema({ operation }: Route) {
  return operation.requestBody?.content['application/json']?.schema;
}

function fits(schema: TSchema, text: string): boolean {
  const { type } = schema as { type?: string };
  return Value.Check(schema, type === 'integer' && text !== '' ? Number(text) : text);
}

function defaultsOf(schema: TSchema): object {
  const { properties = {} } = schema as { properties?: Record<string, TSchema & { default?: unknown }> };
  const filled = Object.entries(properties).flatMap(([name, member]) => {
    if (member.default === undefined) return [];
    const isObject = typeof member.default === 'object' && !Array.isArray(member.default);
    return [[name, isObject ? { ...member.default, ...defaultsOf(member) } : member.default]];
  });
  return Object.fromEntries(filled) as object;
}
