import type { FastifySchemaCompiler } from 'fastify';
import { Type, type TSchema } from 'typebox';
import { problems, problemText, type Problem } from '../util/check.ts';
import { isRecord } from '../util/is-record.ts';
import { ApiError } from './errors.ts';

/**
 * The schemas that documents and wire messages are checked by, with the same engine and the same messages.
 * Text is turned into numbers and booleans only where HTTP has nothing but text: path, query and headers. A body is
 * taken as it is: nothing coerced, no member dropped; absent members get their defaults.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body' }) => {
  return (input: unknown) => {
    // An absent body is null.
    const given = httpPart === 'body' ? (input ?? undefined) : converted(schema, input);
    const value = withDefaults(schema, given);
    const found = problems(schema, value);
    if (found.length === 0) return { value };
    const listed = found.map((problem) => ({ ...problem, path: `/${httpPart}${problem.path}` }));
    return { error: invalidRequest(listed) };
  };
};

/** For what a schema cannot say, too. The paths begin with the part of the request. */
export function invalidRequest(found: readonly Problem[]): ApiError {
  const message = `Invalid request: ${found.map(problemText).join('; ')}`;
  return new ApiError('ERR_API_INVALID', message, { problems: found });
}

/** TypeBox's own Convert is too kind for values from outside: it takes '' for 0, and '1' for true. */
function converted(schema: TSchema, input: unknown): unknown {
  if (!Type.IsObject(schema) || !isRecord(input)) return input;
  return mapMembers(input, (name, value) => {
    const member = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    return typeof value === 'string' && member !== undefined ? fromText(member, value) : value;
  });
}

function fromText(schema: TSchema, text: string): unknown {
  if (Type.IsInteger(schema)) return /^-?\d{1,16}$/.test(text) ? Number(text) : text;
  if (Type.IsBoolean(schema)) return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

/** A copy with the defaults of absent members, at every depth. (TypeBox's own Default throws at closed records.) */
function withDefaults(schema: TSchema, value: unknown): unknown {
  const given = value === undefined && 'default' in schema ? structuredClone(schema.default) : value;
  if (!Type.IsObject(schema) || !isRecord(given)) return given;
  const absent = Object.entries(schema.properties).flatMap(([name, member]): [string, unknown][] => {
    if (Object.hasOwn(given, name)) return [];
    const filled = withDefaults(member, undefined);
    return filled === undefined ? [] : [[name, filled]];
  });
  const present = mapMembers(given, (name, member) => {
    const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    return known === undefined ? member : withDefaults(known, member);
  });
  return { ...present, ...Object.fromEntries(absent) };
}

function mapMembers(input: object, map: (name: string, value: unknown) => unknown): object {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]: [string, unknown]) => [name, map(name, value)]),
  );
}
