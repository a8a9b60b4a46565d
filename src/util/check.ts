import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';
import { describeProblems, type Problem } from './check-problems.ts';

export type { Problem } from './check-problems.ts';

export type CheckErrorCode = 'ERR_CHECK_INVALID';

/** A value from outside that does not fit its schema. `detail.problems` lists what is wrong, at most ten of them. */
export class CheckError extends ErgonError<CheckErrorCode> {}

export const checkErrors: ErrorCatalogue<CheckErrorCode> = {
  ERR_CHECK_INVALID: {
    meaning:
      'A value does not fit its schema; the message names each wrong place, what is expected there and what was found.',
    remedy: 'Correct the named places and send it again.',
  },
};

const MAX_PROBLEMS = 10;
const compiled = new WeakMap<TSchema, Validator>();

/** Compiles on first use: most schemas that a process imports are never needed by it. */
function validatorOf(schema: TSchema): Validator {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const validator = Compile(schema);
  compiled.set(schema, validator);
  return validator;
}

/** What is wrong with `value`, at most ten problems; empty when it fits `schema`. */
export function problems(schema: TSchema, value: unknown): Problem[] {
  if (validatorOf(schema).Check(value)) return [];
  return describeProblems(schema, value).slice(0, MAX_PROBLEMS);
}

/**
 * A check of values from outside: the returned function gives the value back typed, or throws a CheckError
 * whose message begins with `label` and names every problem.
 *
 * @example
 * const checkNote = checker(DebitNote, 'debit note');
 * const note = checkNote(JSON.parse(text));
 */
export function checker<S extends TSchema>(schema: S, label: string): (value: unknown) => Static<S> {
  const fits = (value: unknown): value is Static<S> => validatorOf(schema).Check(value);
  return (value) => {
    if (fits(value)) return value;
    const found = problems(schema, value);
    throw new CheckError('ERR_CHECK_INVALID', `Invalid ${label}: ${found.map(problemText).join('; ')}`, {
      label,
      problems: found,
    });
  };
}

/** One problem as people read it: `/limits/cpuThreads must be >= 1, got 0`. */
export function problemText(problem: Problem): string {
  return `${problem.path === '' ? '(root)' : problem.path} ${problem.expected}, got ${problem.got}`;
}
