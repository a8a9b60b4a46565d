import { bytes, u32 } from './binary.ts';
import { Reader } from './reader.ts';
import { Sink } from './sink.ts';

/** Writes a function's body anew; false for one that stays as it is. */
export type RewriteBody = (body: Uint8Array, out: Sink) => boolean;

/** The code section's body with each function's put through `rewrite`. */
export function rewriteFunctions(section: Uint8Array, rewrite: RewriteBody): Uint8Array {
  const reader = new Reader(section);
  const count = reader.u32();
  const out = new Sink(section.length + (section.length >>> 2));
  const rewritten = new Sink();
  let copiedTo = 0;
  for (let i = 0; i < count; i++) {
    const start = reader.position;
    rewritten.clear();
    if (!rewrite(reader.take(reader.u32()), rewritten)) continue;
    const body = rewritten.view();
    out.putFrom(section, copiedTo, start);
    out.put(bytes(...u32(body.length)));
    out.put(body);
    copiedTo = reader.position;
  }
  if (copiedTo === 0) return section;
  out.putFrom(section, copiedTo, section.length);
  return out.view();
}
