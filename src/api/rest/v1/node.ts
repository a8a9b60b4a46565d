import { Type } from 'typebox';
import { IdempotencyHeaders } from '../../idempotency.ts';
import type { Routes } from '../../route.ts';
import { answers, closed } from '../../schemas/common.ts';
import { NodeView, PeerView } from '../../schemas/node.ts';

const Health = Type.Object(
  {
    status: Type.Union([Type.Literal('ok'), Type.Literal('failing')]),
    checks: Type.Record(Type.String(), Type.String()),
  },
  closed,
);
const BackupBody = Type.Object(
  { name: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' })) },
  { ...closed, default: {} },
);
const Backup = Type.Object({ path: Type.String(), records: Type.Integer() }, closed);

export const nodeRoutes: Routes = (app, { blobs, node, network, idempotency }) => {
  app.get(
    '/health',
    {
      config: { scope: 'public' },
      schema: {
        summary: 'Whether the daemon can do its work',
        response: answers({ 200: Health, 503: Health }),
      },
    },
    async (_request, reply) => {
      const { ok, checks } = await node.health();
      return reply.code(ok ? 200 : 503).send({ status: ok ? 'ok' : 'failing', checks: { ...checks } });
    },
  );
  app.get(
    '/node',
    {
      config: { scope: 'read' },
      schema: { summary: 'Who this node is, and what it offers', response: answers({ 200: NodeView }) },
    },
    async () => {
      const { bytes, count } = blobs.usage();
      return { ...(await node.info()), blobs: { bytes, count, cachedBytes: await blobs.cachedBytes() } };
    },
  );
  app.get(
    '/peers',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Connected peers',
        response: answers({ 200: Type.Object({ items: Type.Array(PeerView) }, closed) }),
      },
    },
    async () => ({ items: network.peers().map((peer) => ({ ...peer, multiaddrs: [...peer.multiaddrs] })) }),
  );
  app.get(
    '/metrics',
    {
      config: { scope: 'read', produces: ['text/plain'] },
      schema: { summary: 'Metrics, as Prometheus reads them' },
    },
    async (_request, reply) => {
      const { contentType, text } = await node.metrics();
      return reply
        .type(contentType)
        .serializer((plain: string) => plain)
        .send(text);
    },
  );
  app.post(
    '/store/backup',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Copy the books, while running, into the data directory’s `backups`',
        headers: IdempotencyHeaders,
        body: BackupBody,
        response: answers({ 201: Backup }),
      },
    },
    (request, reply) =>
      idempotency.once(request, reply, async (id) => ({
        status: 201,
        body: { ...(await node.backup(request.body.name ?? id)) },
      })),
  );
};
