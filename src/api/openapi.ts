import swagger, { type SwaggerTransform } from '@fastify/swagger';
import type { FastifyContextConfig, FastifySchema, RouteOptions } from 'fastify';
import { Problem, PROBLEM_TYPE } from './problem.ts';
import type { ApiServer } from './route.ts';

const DESCRIPTION = [
  'The REST interface of an Ergon node. Amounts are decimal strings of smallest units, except `budget`, which is in tokens.',
  'Times are milliseconds since the epoch. Lists are paged by cursor, newest first.',
  'Errors are application/problem+json with a stable `code`; docs/errors.md explains each.',
].join(' ');

/** Serves /v1/openapi.json, made from the schemas that validate. Must be registered before the routes. */
export async function registerOpenApi(app: ApiServer, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Ergon',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: { appKey: { type: 'http', scheme: 'bearer', description: 'An app-key' } },
      },
    },
    transform: documentRoute,
  });
}

/** Adds what all routes share: security, the problem answers, and streamed bodies, which no schema validates. */
const documentRoute: SwaggerTransform = ({ schema, url, route }) => {
  const config: FastifyContextConfig = route.config ?? {};
  const { accepts, produces, scope } = config;
  const own: FastifySchema = { ...(typeof schema === 'object' ? schema : {}) };
  return {
    url,
    schema: {
      ...own,
      tags: [tagOf(url)],
      operationId: operationId(route),
      ...(scope !== 'public' && {
        security: [{ appKey: [] }],
        description: `Needs an app-key with scope \`${scope ?? ''}\`.`,
      }),
      ...(accepts && { consumes: [...accepts], body: BINARY }),
      response: { ...successes(own, produces), ...problems(config, url, route.method) },
    },
  };
};

const BINARY = { type: 'string', format: 'binary' };

/** JSON answers by their schemas; a route that streams may do both, as the client asks by `Accept`. */
function successes(schema: FastifySchema, produces: readonly string[] = []): object {
  const content = new Map<string, Record<string, object>>();
  for (const [status, body] of Object.entries(responsesOf(schema))) {
    content.set(status, isEmpty(body) ? {} : { 'application/json': { schema: body } });
  }
  for (const type of produces) {
    const streamed = { [type]: { schema: type.startsWith('text/') ? { type: 'string' } : BINARY } };
    content.set('200', { ...content.get('200'), ...streamed });
  }
  return Object.fromEntries(
    [...content].map(([status, types]) => [
      status,
      { description: 'Done', ...(Object.keys(types).length > 0 && { content: types }) },
    ]),
  );
}

function problems(config: FastifyContextConfig, url: string, method: RouteOptions['method']): object {
  const statuses: Record<number, string> = {
    400: 'Bad request',
    429: 'Too many requests',
    500: 'Internal error',
  };
  if (config.scope !== 'public') Object.assign(statuses, { 401: 'Not authenticated', 403: 'Scope missing' });
  if (/[:*]/.test(url)) statuses[404] = 'Not found';
  if (method === 'POST') {
    Object.assign(statuses, {
      409: 'Conflict',
      413: 'Too large',
      415: 'Unsupported media type',
      422: 'Impossible',
    });
  }
  return Object.fromEntries(
    Object.entries(statuses).map(([status, description]) => [
      status,
      { description, content: { [PROBLEM_TYPE]: { schema: Problem } } },
    ]),
  );
}

function tagOf(url: string): string {
  return url.split('/')[2] ?? 'node';
}

/** `GET /v1/tasks/:id/logs` → `getTasksIdLogs`. */
function operationId(route: RouteOptions): string {
  const method = Array.isArray(route.method) ? route.method[0] : route.method;
  const words = route.url.replace('/v1/', '').match(/[a-zA-Z0-9]+|\*/g) ?? [];
  const name = words
    .map((word) => (word === '*' ? 'Path' : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');
  return `${String(method).toLowerCase()}${name}`;
}

function responsesOf({ response }: FastifySchema): Record<string, unknown> {
  return typeof response === 'object' && response !== null ? { ...response } : {};
}

/** The answer to a HEAD. */
function isEmpty(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'null';
}
