import canonicalize from 'canonicalize';

/**
 * RFC 8785 canonical JSON: the same text for equal values whatever the order of their members, so that it can be
 * hashed. Throws a TypeError for what JSON cannot hold.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('Only JSON values have a canonical form');
  return text;
}
