import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Also a bare string becomes JSON, in quotes, which Fastify would send as plain text. */
export function sendJson(reply: FastifyReply, value: unknown, status = 200): FastifyReply {
  return reply.code(status).type('application/json').send(JSON.stringify(value));
}

/** A JSON array that goes out while it is made, no faster than its reader takes it in. */
export function sendList(reply: FastifyReply, items: AsyncIterable<unknown>): FastifyReply {
  const text = Readable.from(arrayText(items), { objectMode: false });
  return reply.type('application/json').send(text);
}

async function* arrayText(items: AsyncIterable<unknown>): AsyncGenerator<string> {
  let before = '[';
  for await (const item of items) {
    yield before + JSON.stringify(item);
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}
