import { Type, type Static } from 'typebox';
import type { ErgonError } from '../interface/errors.ts';
import { isErgonError } from '../interface/errors.ts';
import { ApiError, type ApiErrorCode } from './errors.ts';
import { problemStatus } from './problem-status.ts';
import { remedyOf } from './remedies.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** RFC 9457, with our stable `code`, and the typed detail of the error beside the text. */
export const Problem = Type.Object({
  type: Type.String({ description: 'urn:ergon:error: and the code' }),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String({ pattern: '^ERR_[A-Z0-9_]+$' }),
  detail: Type.String(),
  remedy: Type.Optional(Type.String({ description: 'What to do next' })),
  instance: Type.String({ description: 'Id of the request, as in the daemon log' }),
  context: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: 'The figures of the error' }),
  ),
  errors: Type.Optional(
    Type.Array(Type.Object({ path: Type.String(), expected: Type.String(), got: Type.String() })),
  ),
});
export type Problem = Static<typeof Problem>;

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Too large',
  415: 'Unsupported media type',
  416: 'Offset out of range',
  422: 'Cannot be done as asked',
  429: 'Too many requests',
  431: 'Headers too large',
  500: 'Internal error',
  501: 'Not implemented',
  502: 'The other node failed',
  503: 'Not available now',
  504: 'The other node did not answer in time',
  507: 'No space left',
};

/** What Fastify itself throws, in our words. */
const FASTIFY_CODES: Readonly<Record<string, ApiErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'ERR_API_MEDIA_TYPE',
  FST_ERR_CTP_BODY_TOO_LARGE: 'ERR_API_BODY_TOO_LARGE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'ERR_API_JSON',
  FST_ERR_CTP_INVALID_JSON_BODY: 'ERR_API_JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'ERR_API_REQUEST',
  FST_ERR_BAD_URL: 'ERR_API_REQUEST',
  FST_ERR_MAX_PARAM_LENGTH: 'ERR_API_REQUEST',
  FST_ERR_ASYNC_CONSTRAINT: 'ERR_API_REQUEST',
};

/** An error as this API shows it; what is not foreseen becomes ERR_API_INTERNAL and shows nothing of its cause. */
export function publicError(error: unknown): { error: ErgonError; status: number } {
  if (isErgonError(error)) {
    const status = problemStatus(error.code);
    if (status !== undefined) return { error, status };
  }
  const code = fastifyCode(error);
  if (code !== undefined && error instanceof Error) {
    return { error: new ApiError(code, error.message), status: problemStatus(code) ?? 400 };
  }
  const hidden = new ApiError(
    'ERR_API_INTERNAL',
    'The daemon failed; its log has the cause under this request id.',
  );
  return { error: hidden, status: 500 };
}

function fastifyCode(error: unknown): ApiErrorCode | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const known = FASTIFY_CODES[error.code];
  if (known !== undefined) return known;
  const status = 'statusCode' in error ? error.statusCode : undefined;
  const ofClient = typeof status === 'number' && status >= 400 && status < 500;
  return ofClient ? 'ERR_API_REQUEST' : undefined;
}

/** An error as a problem document (RFC 9457); `instance` is the id of the request. */
export function problemDocument(error: ErgonError, status: number, instance: string): Problem {
  const { problems, ...context } = error.detail;
  const remedy = remedyOf(error.code);
  return {
    type: `urn:ergon:error:${error.code}`,
    title: TITLES[status] ?? 'Error',
    status,
    code: error.code,
    detail: error.message.slice(0, 4096),
    instance,
    ...(remedy !== undefined && { remedy }),
    ...(Object.keys(context).length > 0 && { context: plain(context) }),
    ...(Array.isArray(problems) && { errors: problems.filter(isPlace) }),
  };
}

function isPlace(value: unknown): value is { path: string; expected: string; got: string } {
  return (
    typeof value === 'object' && value !== null && 'path' in value && 'expected' in value && 'got' in value
  );
}

/** Detail may hold what JSON cannot say. */
function plain(detail: object): Record<string, unknown> {
  const json = JSON.stringify(detail, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  const parsed: unknown = JSON.parse(json);
  return { ...(typeof parsed === 'object' ? parsed : undefined) };
}
