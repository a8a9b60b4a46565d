import { encode, toObject } from 'flatbuffers/js/flexbuffers.js';
import { Type, type Static } from 'typebox';
import { checker } from '../../../../util/check.ts';

const Reply = Type.Object({
  id: Type.String({ maxLength: 256 }),
  payload: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Unknown()),
});
const checkReply = checker(Reply, 'reply of a service');

/** Room for the chunk and what is around it, so that the encoder need not grow. */
const BUFFER_BYTES = 64 * 1024;

export function encodeRequest(request: { id: string; component: string; payload: object }): Uint8Array {
  return encode(request, BUFFER_BYTES);
}

export function decodeReply(data: Uint8Array): Static<typeof Reply> {
  // The decoder reads from the start of the buffer, which a socket's message seldom owns.
  const own = new Uint8Array(data);
  return checkReply(toObject(own.buffer));
}
