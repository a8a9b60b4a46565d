import type { Static, TSchema } from 'typebox';
import { checker } from '../../src/util/check.ts';
import { RuntimeError } from '../errors.ts';

/** A runtime's handle as text, and back. */
export interface HandleCodec<H> {
  encode(handle: H): string;
  /** @throws RuntimeError ERR_RUNTIME_HANDLE */
  decode(text: string): H;
}

/** A runtime's handle as the text that its supervisor keeps: whoever reads it again trusts nothing in it. */
export function handleCodec<S extends TSchema>(schema: S, runtime: string): HandleCodec<Static<S>> {
  const check = checker(schema, `${runtime} runtime handle`);
  return {
    encode: (handle) => JSON.stringify(handle),
    decode: (text) => {
      try {
        return check(JSON.parse(text));
      } catch (cause) {
        const shown = text.slice(0, 200);
        throw new RuntimeError(
          'ERR_RUNTIME_HANDLE',
          `Not a handle of the ${runtime} runtime: ${shown}`,
          { handle: shown },
          { cause },
        );
      }
    },
  };
}
