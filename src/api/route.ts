import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scope } from '../identity/index.ts';
import type { ApiComponents } from './components.ts';
import type { Idempotency } from './idempotency.ts';
import type { ApiLimits } from './limits.ts';
import type { Origins } from './origins.ts';
import type { EventStreams } from './sse.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which app-keys may call the route; every route must say. */
    scope?: Scope | 'public';
    /** Content types of a body that is streamed, not parsed. */
    accepts?: readonly string[];
    /** Requests with a valid app-key do not count toward the rate limit: clients poll as often as they are answered. */
    uncounted?: boolean;
    /** Content types of an answer that is streamed. */
    produces?: readonly string[];
  }
}

/** A server whose routes are typed by their TypeBox schemas. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What routes work with. */
export interface RouteContext extends ApiComponents {
  readonly limits: ApiLimits;
  readonly streams: EventStreams;
  readonly origins: Origins;
  readonly idempotency: Idempotency;
  /** Aborts when the server stops. */
  readonly stopSignal: AbortSignal;
}

/** Adds the routes of one resource. */
export type Routes = (app: ApiServer, context: RouteContext) => void;
