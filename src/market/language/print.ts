import type { Filter } from './ast.ts';

/** Writes a filter so that parsing it gives the same filter again. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
      return `(&${filter.items.map(printFilter).join('')})`;
    case 'or':
      return `(|${filter.items.map(printFilter).join('')})`;
    case 'not':
      return `(!${printFilter(filter.item)})`;
    case 'present':
      return `(${filter.key}=*)`;
    case 'compare':
      return `(${filter.key}${filter.op}${escapeValue(filter.value)})`;
    case 'wildcard':
      return `(${filter.key}${filter.op}${filter.parts.map(escapeValue).join('*')})`;
  }
}

/** Escapes what a value must not hold plainly, so that text of a user can be put into a filter. */
export function escapeValue(text: string): string {
  // A value that begins with = or > would make another operator of the one before it.
  return text.replace(/[()*\\\p{Cc}]|^[=>]|^ +| +$/gu, escapeBytes);
}

function escapeBytes(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
}

/** One filter that holds when all of them do. Empty ones are left out. */
export function allOf(filters: readonly Filter[]): Filter {
  const items = filters.flatMap((filter) => (filter.kind === 'and' ? filter.items : [filter]));
  return items.length === 1 && items[0] !== undefined ? items[0] : { kind: 'and', items };
}
