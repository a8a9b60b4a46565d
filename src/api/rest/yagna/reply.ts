import type { FastifyReply } from 'fastify';

/** Also a bare string becomes JSON, in quotes, which Fastify would send as plain text. */
export function sendJson(reply: FastifyReply, value: unknown, status = 200): FastifyReply {
  return reply.code(status).type('application/json').send(JSON.stringify(value));
}
