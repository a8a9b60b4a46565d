import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import type { Socket } from 'node:net';
import { knownCaller } from './auth.ts';
import type { AppKeys } from './components.ts';
import { ApiError } from './errors.ts';
import { foreignOrigin, type Origins } from './origins.ts';

const METHODS = 'GET, HEAD, POST, PUT, DELETE';
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,128}$/;
/** As long as browsers remember a preflight at the most. */
const MAX_AGE_SECONDS = 7200;
/** What a page may read of an answer, beside what every page may. */
const RESPONSE_HEADERS =
  'Allow, Content-Disposition, Content-Length, Content-Range, ETag, Idempotency-Replayed, Location, Retry-After, WWW-Authenticate';

/** Cookies mean nothing here, so a page that sends them along may as well. */
const sharedWith = (origin: string) => ({
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': RESPONSE_HEADERS,
});

/**
 * Cross-origin requests of browsers. By hand, since who may call from where depends on the app-key, and since a request
 * from elsewhere is refused before it does anything: not to tell the browser the answer would leave it done.
 * https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export class CrossOrigin {
  readonly #origins: Origins;
  readonly #appKeys: AppKeys;
  /** Whose requests are under way: a connection may have to be refused where no request is at hand. */
  readonly #pages = new WeakMap<Socket, string>();

  constructor(origins: Origins, appKeys: AppKeys) {
    this.#origins = origins;
    this.#appKeys = appKeys;
  }

  /**
   * Lets the page read the answer, whichever it will be, where some key may be used from it; a preflight needs no more.
   * Those are not counted: browsers send one before nearly every poll, and a page of elsewhere gets none.
   */
  readonly greet: onRequestAsyncHookHandler = async (request, reply) => {
    void reply.header('vary', 'Origin');
    this.#pages.delete(request.raw.socket);
    const origin = foreignOrigin(request.headers);
    if (origin === undefined || !(await this.#origins.allows(origin, undefined))) return undefined;
    this.#pages.set(request.raw.socket, origin);
    void reply.headers(sharedWith(origin));
    return isPreflight(request) ? answerPreflight(request, reply) : undefined;
  };

  /** Refuses what this key may not do from there. */
  readonly admit: onRequestAsyncHookHandler = async (request) => {
    const origin = foreignOrigin(request.headers);
    if (origin === undefined) return;
    const caller = request.caller ?? (await knownCaller(request, this.#appKeys));
    if (await this.#origins.allows(origin, caller)) return;
    throw new ApiError('ERR_API_ORIGIN', `Pages of ${origin.slice(0, 256)} may not call this node`, {
      origin: origin.slice(0, 256),
    });
  };

  /** What an answer on a connection needs for the page to read it, when it is written by hand. */
  headersOn(socket: Socket): Readonly<Record<string, string>> {
    const origin = this.#pages.get(socket);
    return { vary: 'Origin', ...(origin !== undefined && sharedWith(origin)) };
  }
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

function answerPreflight({ headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  // A page of the internet that calls a node on this machine or in this network.
  if (headers['access-control-request-private-network'] === 'true')
    void reply.header('access-control-allow-private-network', 'true');
  const names = requestedHeaders(headers['access-control-request-headers']);
  if (names !== undefined) void reply.header('access-control-allow-headers', names);
  return reply
    .code(204)
    .header('vary', 'Origin, Access-Control-Request-Headers')
    .header('access-control-allow-methods', METHODS)
    .header('access-control-max-age', MAX_AGE_SECONDS)
    .send();
}

/**
 * Whatever a page that may use a key wants to send: no header does more here than its key, and clients send some of
 * their own (golem-js sends `Cache-Control` with its event streams).
 */
function requestedHeaders(asked: string | undefined): string | undefined {
  const names = asked?.split(',').map((name) => name.trim());
  return names?.every((name) => HEADER_NAME.test(name)) === true ? names.join(', ') : undefined;
}
