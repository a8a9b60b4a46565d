/** The one place that maps an error code to its HTTP status. A code that is not here answers 500, and shows nothing. */
const STATUS: Readonly<Record<string, number>> = {
  ERR_API_INVALID: 400,
  ERR_API_JSON: 400,
  ERR_API_REQUEST: 400,
  ERR_API_UNAUTHORIZED: 401,
  ERR_API_FORBIDDEN: 403,
  ERR_API_NOT_FOUND: 404,
  ERR_API_ROUTE_NOT_FOUND: 404,
  ERR_API_METHOD_NOT_ALLOWED: 405,
  ERR_API_TIMEOUT: 408,
  ERR_API_BODY_TOO_LARGE: 413,
  ERR_API_MEDIA_TYPE: 415,
  ERR_API_RANGE: 416,
  ERR_API_REFERENCE: 422,
  ERR_API_IDEMPOTENCY_MISMATCH: 422,
  ERR_API_RATE_LIMITED: 429,
  ERR_API_HEADERS_TOO_LARGE: 431,
  ERR_API_INTERNAL: 500,
  ERR_CHECK_INVALID: 400,
};

/** Undefined for a code that must not leave the daemon. */
export function problemStatus(code: string): number | undefined {
  return Object.hasOwn(STATUS, code) ? STATUS[code] : undefined;
}
