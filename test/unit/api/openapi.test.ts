import { Validator } from '@seriousme/openapi-schema-validator';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operations, type Route } from './support/document.ts';
import { apiWorld, type ApiWorld } from './support/world.ts';

let world: ApiWorld;
let document: Record<string, unknown>;
let routes: Route[];
beforeAll(async () => {
  world = await apiWorld();
  ({ document, routes } = await operations(world.app));
});
afterAll(() => world.stop());

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const outcome = await new Validator().validate(document);
    expect(outcome.errors ?? []).toEqual([]);
    expect(outcome.valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
  });

  test('names each operation once', () => {
    const ids = routes.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(routes.length).toBeGreaterThan(45);
  });

  test('gives each route a summary, a successful answer, and problem answers', () => {
    for (const { method, path, operation } of routes) {
      const name = `${method} ${path}`;
      expect(operation.summary, name).toMatch(/^.{10,}/);
      const statuses = Object.keys(operation.responses);
      expect(
        statuses.some((status) => status.startsWith('2')),
        name,
      ).toBe(true);
      for (const status of statuses.filter((code) => code >= '400' && code !== '503')) {
        expect(Object.keys(operation.responses[status]?.content ?? {}), name).toEqual([
          'application/problem+json',
        ]);
      }
      expect(statuses, name).toEqual(expect.arrayContaining(['400', '429', '500']));
      if (path.includes('{')) expect(statuses, name).toContain('404');
      if (!['/v1/health', '/v1/openapi.json'].includes(path)) {
        expect(operation.security, name).toEqual([{ appKey: [] }]);
        expect(statuses, name).toEqual(expect.arrayContaining(['401', '403']));
      }
    }
  });

  test('describes every body and parameter by a schema that compiles', () => {
    for (const { method, path, operation } of routes) {
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
      expect(declared.map(({ name }) => name).sort(), path).toEqual(inPath.sort());
      for (const { schema } of operation.parameters ?? []) Compile(schema);
      if (method === 'POST') expect(operation.requestBody, path).toBeDefined();
      for (const { schema } of Object.values(operation.requestBody?.content ?? {})) Compile(schema);
    }
  });
});
