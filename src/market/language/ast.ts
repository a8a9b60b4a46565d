/** A parsed filter. Plain data: two filters are the same when they are deeply equal. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly items: readonly Filter[] }
  | { readonly kind: 'not'; readonly item: Filter }
  | Term;

export type CompareOp = '=' | '!=' | '>' | '>=' | '<' | '<=';

export type Term =
  | { readonly kind: 'present'; readonly key: string }
  | { readonly kind: 'compare'; readonly key: string; readonly op: CompareOp; readonly value: string }
  /** A string with wildcards: `parts` are the texts between the `*`, at least two. */
  | {
      readonly kind: 'wildcard';
      readonly key: string;
      readonly op: '=' | '!=';
      readonly parts: readonly string[];
    };

/** Bounds of what is parsed: a filter comes from strangers. */
export const FILTER_LIMITS = { maxLength: 16_384, maxDepth: 64, maxTerms: 1024, maxKeyLength: 256 } as const;
