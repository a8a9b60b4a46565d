import { Type } from 'typebox';
import { DAY_MS } from '../util/durations.ts';

/** Parts that the sections of the schema are made of. A setting's `description` is its line in docs/configuration.md. */
export const closed = { additionalProperties: false } as const;

export const GIB = 1024 ** 3;

export const text = (description: string, value: string, maxLength = 1024) =>
  Type.String({ minLength: 1, maxLength, default: value, description });
export const flag = (description: string, value: boolean) => Type.Boolean({ default: value, description });
export const count = (description: string, value: number, minimum = 0, maximum = Number.MAX_SAFE_INTEGER) =>
  Type.Integer({ minimum, maximum, default: value, description });
export const durationMs = (description: string, value: number, minimum = 1) =>
  count(description, value, minimum, 366 * DAY_MS);

/** An amount in whole tokens; converted to smallest units where money is computed with. */
export const TokenAmount = Type.String({ pattern: '^(0|[1-9][0-9]{0,20})(\\.[0-9]{1,18})?$' });
