/** The member of `root` that a JSON pointer (RFC 6901) names; undefined when there is none. Own members only. */
export function valueAt(root: unknown, pointer: string): unknown {
  let at = root;
  for (const segment of pointer.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}

/** A key as a segment of a JSON pointer (RFC 6901). */
export function escapeSegment(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
