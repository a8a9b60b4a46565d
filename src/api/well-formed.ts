import type { preHandlerAsyncHookHandler } from 'fastify';
import { ApiError } from './errors.ts';

/**
 * JSON can spell half a surrogate pair ("\ud800"), which is no text: it has no UTF-8 form, so it can be neither
 * hashed nor signed. The body's depth is bounded by its schema here.
 */
export const refuseBrokenText: preHandlerAsyncHookHandler = async (request) => {
  const path = brokenText(request.body, '/body');
  if (path === undefined) return;
  throw new ApiError('ERR_API_INVALID', `Invalid request: ${path} is not well-formed Unicode`, {
    problems: [{ path, expected: 'must be well-formed Unicode', got: 'half a surrogate pair' }],
  });
};

function brokenText(value: unknown, path: string): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : path;
  if (typeof value !== 'object' || value === null || !isPlain(value)) return undefined;
  for (const [key, member] of Object.entries(value)) {
    if (!key.isWellFormed()) return path;
    const found = brokenText(member, `${path}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A streamed body is left alone. */
function isPlain(value: object): boolean {
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
