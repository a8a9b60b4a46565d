import type { TSchema } from 'typebox';
import { Errors } from 'typebox/value';
import type { TLocalizedValidationError } from 'typebox/error';
import { escapeSegment, valueAt } from './json-pointer.ts';
import { shorten } from './shorten.ts';

/** One place of a value that does not fit its schema. */
export interface Problem {
  /** JSON pointer; empty for the value itself. */
  readonly path: string;
  /** What the schema asks there: `must be >= 1`. */
  readonly expected: string;
  /** The value found there, shortened. */
  readonly got: string;
}

/** Problems, each with how far off it shows the value to be: a wrong shape counts more than a wrong number. */
interface Verdict {
  readonly problems: Problem[];
  readonly distance: number;
}

/**
 * One problem for each wrong place. TypeBox reports every branch of a failed union and stops after eight errors;
 * here only the branch that was nearest to fitting is told.
 */
export function describeProblems(schema: TSchema, value: unknown): Problem[] {
  const { problems } = judge(schema, value);
  return problems.length > 0
    ? problems
    : [{ path: '', expected: 'must fit the schema', got: shorten(value) }];
}

function judge(schema: TSchema, value: unknown): Verdict {
  const problems = new Map<string, Problem>();
  let distance = 0;
  const add = (path: string, expected: string, weight: number, got = shorten(valueAt(value, path))): void => {
    const key = `${path} ${expected}`;
    if (problems.has(key)) return;
    problems.set(key, { path, expected, got });
    distance += weight;
  };
  for (const error of Errors(schema, value)) {
    const union = enclosingUnion(error);
    if (union === undefined) {
      for (const [path, expected, weight] of placesOf(error)) add(path, expected, weight);
      continue;
    }
    const verdict = judgeUnion(valueAt(schema, union.schemaPath), valueAt(value, union.valuePath));
    for (const { path, expected, got } of verdict.problems)
      add(union.valuePath + path, expected, verdict.distance, got);
  }
  return { problems: [...problems.values()], distance };
}

function judgeUnion(branches: unknown, value: unknown): Verdict {
  const schemas = (Array.isArray(branches) ? branches : []).filter(isSchema);
  const [best, second] = schemas
    .map((branch) => judge(branch, value))
    .sort((a, b) => a.distance - b.distance);
  if (best !== undefined && (second === undefined || best.distance < second.distance)) return best;
  const forms = schemas.slice(0, 16).map(formOf).join(', ');
  return { problems: [{ path: '', expected: `must be one of ${forms}`, got: shorten(value) }], distance: 1 };
}

function placesOf(error: TLocalizedValidationError): [path: string, expected: string, weight: number][] {
  const path = error.instancePath;
  switch (error.keyword) {
    case 'boolean':
      // The same keys are named by the additionalProperties error beside it.
      return [];
    case 'additionalProperties':
      return error.params.additionalProperties
        .slice(0, 10)
        .map((key) => [`${path}/${escapeSegment(key.slice(0, 64))}`, 'is not a known member', 10]);
    case 'required':
      return error.params.requiredProperties.map((key) => [
        `${path}/${escapeSegment(key)}`,
        'is required',
        10,
      ]);
    case 'const':
      return [[path, `must be ${JSON.stringify(error.params.allowedValue)}`, 100]];
    default:
      return [[path, error.message, 1]];
  }
}

/** The outermost union that an error lies in: where its branches stand in the schema, and the value they were tried on. */
function enclosingUnion(
  error: TLocalizedValidationError,
): { schemaPath: string; valuePath: string } | undefined {
  const schemaParts = error.schemaPath.split('/').slice(1);
  if (error.keyword === 'anyOf') schemaParts.push('anyOf');
  const at = schemaParts.indexOf('anyOf');
  if (at === -1) return undefined;
  let depth = 0;
  for (let index = 0; index < at; index += 1) {
    const part = schemaParts[index];
    if (part === 'properties' || part === 'patternProperties' || part === 'prefixItems') index += 1;
    if (part !== 'allOf') depth += 1;
  }
  const valueParts = error.instancePath.split('/').slice(1, 1 + depth);
  return {
    schemaPath: ['', ...schemaParts.slice(0, at + 1)].join('/'),
    valuePath: valueParts.map((part) => `/${part}`).join(''),
  };
}

/** What a branch of a union accepts, in a word. */
function formOf(schema: TSchema): string {
  if ('const' in schema) return JSON.stringify(schema.const);
  if ('required' in schema && Array.isArray(schema.required)) return `{ ${schema.required.join(', ')} }`;
  if ('anyOf' in schema && Array.isArray(schema.anyOf))
    return schema.anyOf.filter(isSchema).map(formOf).join(', ');
  return 'type' in schema && typeof schema.type === 'string' ? schema.type : 'another form';
}

function isSchema(value: unknown): value is TSchema {
  return typeof value === 'object' && value !== null;
}
