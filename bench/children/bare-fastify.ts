// The floor of a REST answer: Fastify with one route that returns bytes it was given.
import { once } from 'node:events';
import fastify from 'fastify';
import { ready } from '../support/child.ts';

const started = once(process, 'message') as Promise<[string]>;
process.send?.({});
const [body] = await started;
const app = fastify();
app.get('/v1/tasks/:taskId', async (_request, reply) => {
  void reply.type('application/json; charset=utf-8');
  return body;
});
ready({ url: await app.listen({ host: '127.0.0.1', port: 0 }) });
