import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type ApiErrorCode =
  | 'ERR_API_INVALID'
  | 'ERR_API_JSON'
  | 'ERR_API_REQUEST'
  | 'ERR_API_UNAUTHORIZED'
  | 'ERR_API_FORBIDDEN'
  | 'ERR_API_ORIGIN'
  | 'ERR_API_NOT_FOUND'
  | 'ERR_API_ROUTE_NOT_FOUND'
  | 'ERR_API_METHOD_NOT_ALLOWED'
  | 'ERR_API_TIMEOUT'
  | 'ERR_API_BODY_TOO_LARGE'
  | 'ERR_API_HEADERS_TOO_LARGE'
  | 'ERR_API_MEDIA_TYPE'
  | 'ERR_API_RANGE'
  | 'ERR_API_EVENTS_GONE'
  | 'ERR_API_REFERENCE'
  | 'ERR_API_NOT_A_PROVIDER'
  | 'ERR_API_IDEMPOTENCY_MISMATCH'
  | 'ERR_API_RATE_LIMITED'
  | 'ERR_API_START'
  | 'ERR_API_INTERNAL';

/** A request that the API itself refuses. */
export class ApiError extends ErgonError<ApiErrorCode> {}

export const apiErrors: ErrorCatalogue<ApiErrorCode> = {
  ERR_API_INVALID: {
    meaning:
      'A path parameter, query, header or body does not fit its schema; `errors` names each wrong place.',
    remedy: 'Correct the named places. The schemas are at /v1/openapi.json.',
  },
  ERR_API_JSON: { meaning: 'The body is not JSON.', remedy: 'Send one JSON object in UTF-8.' },
  ERR_API_REQUEST: {
    meaning: 'The request breaks HTTP: a malformed URL, header or content length.',
    remedy: 'Use an ordinary HTTP/1.1 client.',
  },
  ERR_API_UNAUTHORIZED: {
    meaning: 'The request carries no app-key, or one that is unknown, expired or revoked.',
    remedy: 'Send `Authorization: Bearer <app-key>`. `ergon app-key create` makes a key.',
  },
  ERR_API_FORBIDDEN: {
    meaning: 'The app-key is valid, but lacks the scope that this route asks for.',
    remedy: 'Use a key with the scope that `detail.scope` names; `ergon app-key create --scope` makes one.',
  },
  ERR_API_ORIGIN: {
    meaning: 'A browser asks for a page of another site, from which this app-key may not be used.',
    remedy:
      'Make a key with `ergon app-key create --cors-origin <origin>`, or name the origin in `api.corsOrigins`.',
  },
  ERR_API_NOT_FOUND: {
    meaning: 'There is no such thing under this id on this node.',
    remedy: 'List what there is, and check the id.',
  },
  ERR_API_ROUTE_NOT_FOUND: {
    meaning: 'No route has this path.',
    remedy: 'The routes are listed at /v1/openapi.json.',
  },
  ERR_API_METHOD_NOT_ALLOWED: {
    meaning: 'The path exists, but not with this method.',
    remedy: 'Use one of the methods that the `Allow` header names.',
  },
  ERR_API_TIMEOUT: {
    meaning: 'The request did not arrive whole in time.',
    remedy: 'Send it again over a faster connection: a request has ten minutes, its body included.',
  },
  ERR_API_BODY_TOO_LARGE: {
    meaning: 'The body is larger than this route takes.',
    remedy: 'Send less. Of files `api.maxPackageBytes` is the limit, of JSON 4 MiB.',
  },
  ERR_API_HEADERS_TOO_LARGE: {
    meaning: 'The headers are too large.',
    remedy: 'Send fewer and shorter headers.',
  },
  ERR_API_MEDIA_TYPE: {
    meaning: 'The route does not take a body of this content type.',
    remedy: 'Send application/json, or application/octet-stream where a file is uploaded.',
  },
  ERR_API_RANGE: {
    meaning: 'The offset lies beyond the end of what there is.',
    remedy: 'Start from an offset up to `detail.end`.',
  },
  ERR_API_EVENTS_GONE: {
    meaning: 'Some of the events after the given one were removed after their retention time.',
    remedy:
      'Read the present state of what you follow, then begin anew without a position: with the oldest that are kept. `retention.days` says for how long that is.',
  },
  ERR_API_REFERENCE: {
    meaning: 'The body names a blob, an index or a batch that does not exist.',
    remedy: 'Upload or create it first; `detail` names it.',
  },
  ERR_API_NOT_A_PROVIDER: {
    meaning: 'This node sells nothing.',
    remedy: 'Set `provider.enabled` in the configuration and start the daemon anew.',
  },
  ERR_API_IDEMPOTENCY_MISMATCH: {
    meaning: 'This Idempotency-Key was used before, for a different request.',
    remedy: 'Use a new key for a new request; repeat a request with the same key and the same body.',
  },
  ERR_API_RATE_LIMITED: {
    meaning: 'Too many requests from this address.',
    remedy: 'Wait as many seconds as `Retry-After` says. The limit is `api.rateLimitPerMinute`.',
  },
  ERR_API_START: {
    meaning: 'The REST API could not listen on its address.',
    remedy:
      'The message says why. Stop what listens there, or give this node another `api.port` (ERGON_API_PORT) or `api.host`.',
  },
  ERR_API_INTERNAL: {
    meaning:
      'The daemon failed in a way that it did not foresee; its log has the cause under the request id.',
    remedy: 'Look up `instance` in the daemon log. Repeating the request is safe with an Idempotency-Key.',
  },
};
