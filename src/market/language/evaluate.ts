import type { Properties } from '../../interface/values.ts';
import type { CompareOp, Filter, Term } from './ast.ts';
import { compareScalar, findProperty, matchesParts } from './value.ts';
import type { FoundProperty, KeyType, Scalar } from './value.ts';

/** Kleene's third value, undefined, is "cannot be told": a missing property, or a value of another type. */
export type Truth = boolean | undefined;

/** False decides; else undefined spreads; nothing at all is true. */
export function and(values: readonly Truth[]): Truth {
  if (values.includes(false)) return false;
  return values.includes(undefined) ? undefined : true;
}

/** True decides; else undefined spreads; nothing at all is false. */
export function or(values: readonly Truth[]): Truth {
  if (values.includes(true)) return true;
  return values.includes(undefined) ? undefined : false;
}

/** Negation in three values: what is unknown stays so. */
export function not(value: Truth): Truth {
  return value === undefined ? undefined : !value;
}

/** What the filter says of the properties. Never throws. */
export function evaluate(filter: Filter, properties: Properties): Truth {
  switch (filter.kind) {
    case 'and':
      return and(filter.items.map((item) => evaluate(item, properties)));
    case 'or':
      return or(filter.items.map((item) => evaluate(item, properties)));
    case 'not':
      return not(evaluate(filter.item, properties));
    default:
      return evaluateTerm(filter, properties);
  }
}

function evaluateTerm(term: Term, properties: Properties): Truth {
  const found = findProperty(properties, term.key);
  // Presence is the one question that a missing property answers.
  if (term.kind === 'present') return found !== undefined;
  if (found === undefined) return undefined;
  if (term.op === '!=') return not(evaluateEqual(term, found));
  if (term.op === '=') return evaluateEqual(term, found);
  if (term.kind === 'wildcard' || Array.isArray(found.value) || typeof found.value === 'boolean')
    return undefined;
  return ordered(term.op, compareScalar(found.value, found.type, term.value));
}

function ordered(op: CompareOp, order: number | undefined): Truth {
  if (order === undefined) return undefined;
  if (op === '>') return order > 0;
  if (op === '>=') return order >= 0;
  return op === '<' ? order < 0 : order <= 0;
}

/** A list equals a value that it contains. */
function evaluateEqual(term: Exclude<Term, { kind: 'present' }>, { value, type }: FoundProperty): Truth {
  const equal = (scalar: Scalar): Truth =>
    term.kind === 'wildcard'
      ? matchesScalar(scalar, type, term.parts)
      : equalScalar(scalar, type, term.value);
  if (!Array.isArray(value)) return equal(value);
  if (term.kind === 'compare' && /^\[.*\]$/s.test(term.value)) return equalLists(value, type, term.value);
  return or(value.map(equal));
}

function equalScalar(scalar: Scalar, type: KeyType | undefined, literal: string): Truth {
  const order = compareScalar(scalar, type, literal);
  return order === undefined ? undefined : order === 0;
}

function matchesScalar(scalar: Scalar, type: KeyType | undefined, parts: readonly string[]): Truth {
  return typeof scalar === 'string' && type === undefined ? matchesParts(scalar, parts) : undefined;
}

/** `[a, b]` equals a list of the same values in any order. */
function equalLists(values: readonly Scalar[], type: KeyType | undefined, literal: string): Truth {
  const inner = literal.slice(1, -1).trim();
  const items = inner === '' ? [] : inner.split(',').map((item) => item.trim());
  if (items.length !== values.length) return false;
  const rest = [...values];
  for (const item of items) {
    const index = rest.findIndex((scalar) => equalScalar(scalar, type, item) === true);
    if (index < 0) return false;
    rest.splice(index, 1);
  }
  return true;
}
