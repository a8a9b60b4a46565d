import { bytes, concat, u32 } from './binary.ts';
import { Reader } from './reader.ts';

/** The code section's body with each function's body put through `rewrite`, which says undefined for one that stays. */
export function rewriteFunctions(
  section: Uint8Array,
  rewrite: (body: Uint8Array) => Uint8Array | undefined,
): Uint8Array {
  const reader = new Reader(section);
  const count = reader.u32();
  const parts: Uint8Array[] = [];
  let copiedTo = 0;
  for (let i = 0; i < count; i++) {
    const start = reader.position;
    const rewritten = rewrite(reader.take(reader.u32()));
    if (rewritten === undefined) continue;
    parts.push(section.subarray(copiedTo, start), bytes(...u32(rewritten.length)), rewritten);
    copiedTo = reader.position;
  }
  return parts.length === 0 ? section : concat([...parts, section.subarray(copiedTo)]);
}
