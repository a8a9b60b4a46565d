import { Type } from 'typebox';
import { BlobHash, Bytes } from '../../interface/values.ts';
import { checker } from '../../util/check.ts';
import { WireError } from '../answer.ts';
import { BlobHeadSchema } from '../blob-head.ts';

const closed = { additionalProperties: false } as const;
/** Numbers the requests of one stream. */
const RequestId = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** What an envelope adds to a body at most. */
export const ENVELOPE_BYTES = 256;

const RequestEnvelope = Type.Object(
  { id: RequestId, kind: Type.String({ pattern: '^[a-zA-Z0-9._-]{1,64}$' }), body: Type.Unknown() },
  closed,
);

/** Number 0 speaks of the stream itself: it answers what could not be read, and the stream ends with it. */
const AnswerEnvelope = Type.Union([
  Type.Object({ id: RequestId, ok: Type.Unknown() }, closed),
  Type.Object({ id: Type.Union([RequestId, Type.Literal(0)]), error: WireError }, closed),
]);

const BlobRequest = Type.Object({ hash: BlobHash, offset: Bytes }, closed);

const BlobReply = Type.Union([BlobHeadSchema, Type.Object({ error: WireError }, closed)]);

export const checkRequest = checker(RequestEnvelope, 'request');
export const checkAnswer = checker(AnswerEnvelope, 'answer');
export const checkBlobRequest = checker(BlobRequest, 'blob request');
export const checkBlobReply = checker(BlobReply, 'blob reply');
