import type { Properties } from '../../interface/values.ts';
import type { Filter, Term } from './ast.ts';
import { and, evaluate } from './evaluate.ts';
import type { Truth } from './evaluate.ts';
import { parseFilter } from './parse.ts';
import { printFilter } from './print.ts';
import { findProperty } from './value.ts';

/** Properties of one's own, and what one asks of the other's. */
export interface MatchSide {
  readonly properties: Properties;
  readonly constraints: string;
}

/** One term that keeps an offer and a demand apart. */
export interface UnmetTerm {
  /** Whose constraint it is. */
  readonly of: 'offer' | 'demand';
  readonly term: string;
  /** False: the other side is otherwise. Undefined: it does not say, or says it in another type. */
  readonly result: Truth;
  /** For people. */
  readonly explanation: string;
}

/** Whether two documents match, and the terms that stand in the way. */
export interface MatchResult {
  readonly result: Truth;
  readonly unmet: readonly UnmetTerm[];
}

/**
 * Whether each satisfies the other's constraints; with the terms that are not met.
 * @throws ConstraintError when one of the filters is malformed.
 */
export function match(offer: MatchSide, demand: MatchSide): MatchResult {
  return matchParsed(
    { properties: offer.properties, filter: parseFilter(offer.constraints) },
    { properties: demand.properties, filter: parseFilter(demand.constraints) },
  );
}

/** A document whose constraints are parsed. */
export interface ParsedSide {
  readonly properties: Properties;
  readonly filter: Filter;
}

/** As `match`, with filters that are parsed already: an offer is matched against many demands. */
export function matchParsed(offer: ParsedSide, demand: ParsedSide): MatchResult {
  return {
    result: and([evaluate(demand.filter, offer.properties), evaluate(offer.filter, demand.properties)]),
    unmet: [
      ...unmetTerms(demand.filter, offer.properties).map((unmet) => ({ of: 'demand' as const, ...unmet })),
      ...unmetTerms(offer.filter, demand.properties).map((unmet) => ({ of: 'offer' as const, ...unmet })),
    ],
  };
}

/** The terms to blame when `filter` does not hold; none when it does. */
function unmetTerms(filter: Filter, properties: Properties): Omit<UnmetTerm, 'of'>[] {
  const result = evaluate(filter, properties);
  if (result === true) return [];
  if ((filter.kind === 'and' || filter.kind === 'or') && filter.items.length > 0) {
    return filter.items.flatMap((item) => unmetTerms(item, properties));
  }
  return [{ term: printFilter(filter), result, explanation: explain(filter, properties) }];
}

function explain(filter: Filter, properties: Properties): string {
  if (filter.kind === 'and' || filter.kind === 'or') return 'can never hold';
  const keys = [...new Set(terms(filter).map((term) => term.key))];
  return keys.map((key) => describe(key, properties)).join(', ');
}

function terms(filter: Filter): Term[] {
  switch (filter.kind) {
    case 'not':
      return terms(filter.item);
    case 'and':
    case 'or':
      return filter.items.flatMap(terms);
    default:
      return [filter];
  }
}

function describe(key: string, properties: Properties): string {
  const found = findProperty(properties, key);
  if (found === undefined) return `${key} is missing`;
  const text = JSON.stringify(found.value);
  return `${key} is ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}
