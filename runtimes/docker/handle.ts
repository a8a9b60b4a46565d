import { Type, type Static } from 'typebox';
import { checker } from '../../src/util/check.ts';
import { RuntimeError } from '../errors.ts';

const Bytes = Type.Integer({ minimum: 0 });

/** All that another process needs to take a deployment over, or to end it. */
const Handle = Type.Object(
  {
    version: Type.Literal(1),
    container: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    workDir: Type.String({ minLength: 1, maxLength: 4096, pattern: '^/' }),
    memoryBytes: Bytes,
    storageBytes: Bytes,
    pidsLimit: Type.Integer({ minimum: 1 }),
    uid: Type.Integer({ minimum: 0 }),
    gid: Type.Integer({ minimum: 0 }),
    volume: Type.Union([Type.Literal('filesystem'), Type.Literal('measured')]),
  },
  { additionalProperties: false },
);
export type Handle = Static<typeof Handle>;
const checkHandle = checker(Handle, 'Docker runtime handle');

export function encodeHandle(handle: Handle): string {
  return JSON.stringify(handle);
}

/** @throws RuntimeError ERR_RUNTIME_HANDLE */
export function decodeHandle(text: string): Handle {
  try {
    return checkHandle(JSON.parse(text));
  } catch (cause) {
    const shown = text.slice(0, 200);
    throw new RuntimeError(
      'ERR_RUNTIME_HANDLE',
      `Not a handle of the Docker runtime: ${shown}`,
      { handle: shown },
      { cause },
    );
  }
}
