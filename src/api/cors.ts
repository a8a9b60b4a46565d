import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { knownCaller } from './auth.ts';
import type { AppKeys } from './components.ts';
import { ApiError } from './errors.ts';
import { isOwnOrigin, type Origins } from './origins.ts';

const METHODS = 'GET, HEAD, POST, PUT, DELETE';
const REQUEST_HEADERS =
  'Authorization, Content-Type, Accept, Idempotency-Key, Last-Event-ID, Range, If-Range, If-None-Match';
/** What a page may read of an answer, beside what every page may. */
const RESPONSE_HEADERS =
  'Allow, Content-Disposition, Content-Length, Content-Range, ETag, Idempotency-Replayed, Location, Retry-After, WWW-Authenticate';
/** As long as browsers remember a preflight at the most. */
const MAX_AGE_SECONDS = 7200;

/**
 * Cross-origin requests of browsers. By hand, since who may call from where depends on the app-key, and since a request
 * from elsewhere is refused before it does anything: not to tell the browser the answer would leave it done.
 * https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function crossOrigin(origins: Origins, appKeys: AppKeys): onRequestAsyncHookHandler {
  return async (request, reply) => {
    void reply.header('vary', 'Origin');
    const { origin, host } = request.headers;
    if (origin === undefined || isOwnOrigin(origin, host)) return undefined;
    const isPreflight =
      request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    const caller = isPreflight ? undefined : (request.caller ?? (await knownCaller(request, appKeys)));
    if (!(await origins.allows(origin, caller))) throw refused(origin);
    allow(origin, reply);
    return isPreflight ? answerPreflight(request, reply) : undefined;
  };
}

/** Cookies mean nothing here, so a page that sends them along may as well. */
function allow(origin: string, reply: FastifyReply): void {
  void reply
    .header('access-control-allow-origin', origin)
    .header('access-control-allow-credentials', 'true')
    .header('access-control-expose-headers', RESPONSE_HEADERS);
}

function answerPreflight(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // A page of the internet that calls a node on this machine or in this network.
  if (request.headers['access-control-request-private-network'] === 'true')
    void reply.header('access-control-allow-private-network', 'true');
  return reply
    .code(204)
    .header('access-control-allow-methods', METHODS)
    .header('access-control-allow-headers', REQUEST_HEADERS)
    .header('access-control-max-age', MAX_AGE_SECONDS)
    .send();
}

function refused(origin: string): ApiError {
  return new ApiError('ERR_API_ORIGIN', `Pages of ${origin.slice(0, 256)} may not call this node`, {
    origin: origin.slice(0, 256),
  });
}
