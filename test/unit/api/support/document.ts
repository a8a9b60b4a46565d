import { expect } from 'vitest';
import type { TSchema } from 'typebox';
import { problems } from '../../../../src/util/check.ts';
import type { ApiServer } from '../../../../src/api/route.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: TSchema;
}

export interface Operation {
  readonly summary: string;
  readonly operationId: string;
  readonly security?: object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: TSchema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema?: TSchema }>> }>
  >;
}

export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  readonly path: string;
  readonly operation: Operation;
}

/** All operations of the OpenAPI document that the server serves. */
export async function operations(
  app: ApiServer,
): Promise<{ document: Record<string, unknown>; routes: Route[] }> {
  const document = (await app.inject('/v1/openapi.json')).json<{
    paths: Record<string, Record<string, Operation>>;
  }>();
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase() as Route['method'],
      path,
      operation,
    })),
  );
  return { document, routes };
}

/** The path with values in the place of its parameters. */
export function fill(path: string, value: (name: string) => string): string {
  return path.replace(/\{([^}]+)\}/g, (_all, name: string) => value(name));
}

interface Answer {
  readonly statusCode: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Holds JSON answers against what the document says of their route and status. */
export function conformance(app: ApiServer) {
  let routes: Route[] | undefined;
  return async (method: string, url: string, answer: Answer): Promise<void> => {
    if (!String(answer.headers['content-type']).startsWith('application/json')) return;
    routes ??= (await operations(app)).routes;
    const path = url.split('?', 1)[0] ?? '';
    const route = routes.find((known) => known.method === method && patternOf(known.path).test(path));
    const schema =
      route?.operation.responses[String(answer.statusCode)]?.content?.['application/json']?.schema;
    if (schema === undefined)
      throw new Error(`${method} ${url} answers JSON that the document does not describe`);
    expect(problems(schema, JSON.parse(answer.body)), `${method} ${url}`).toEqual([]);
  };
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`);
}
