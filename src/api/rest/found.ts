import { ApiError } from '../errors.ts';

/** The value, or 404 with what was asked for. */
export function found<T>(kind: string, id: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new ApiError('ERR_API_NOT_FOUND', `This node knows no ${kind} ${id}`, { kind, id });
}
