import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { BlobInfo } from '../../../interface/index.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { answers, BlobView, closed, HashParams, page, pageQuery, RemovedView } from '../../schemas/common.ts';
import { receive, takeStreams, UPLOAD_TYPES } from '../../upload.ts';
import { found } from '../found.ts';

export const blobRoutes: Routes = (app, context) => {
  const { blobs } = context;
  const byHash = async (hash: string): Promise<BlobInfo> => found('blob', hash, await blobs.stat(hash));

  app.get(
    '/blobs',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'All blobs of this node, by hash',
        querystring: Type.Object(pageQuery, closed),
        response: answers({ 200: page(BlobView) }),
      },
    },
    async ({ query: { limit, after = '' } }) => {
      const all = (await blobs.list()).filter(({ hash }) => hash > after);
      const items = all.sort((a, b) => (a.hash < b.hash ? -1 : 1)).slice(0, limit);
      const last = items.at(-1);
      return { items, ...(last !== undefined && all.length > limit && { next: last.hash }) };
    },
  );
  app.head(
    '/blobs/:hash',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Whether a blob is here',
        params: HashParams,
        response: answers({ 200: Type.Null() }),
      },
    },
    async (request, reply) => {
      const blob = await byHash(request.params.hash);
      return reply.code(200).header('content-length', blob.sizeBytes).send();
    },
  );
  app.get(
    '/blobs/:hash',
    {
      config: { scope: 'read', produces: ['application/octet-stream'] },
      schema: { summary: 'Download a blob', params: HashParams },
    },
    async (request, reply) => download(reply, context, await byHash(request.params.hash)),
  );
  app.delete(
    '/blobs/:hash',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'Remove a blob that nothing needs and that is part of no package and no task',
        params: HashParams,
        response: answers({ 200: RemovedView }),
      },
    },
    async (request) => context.removal.blob(request.params.hash),
  );
  void app.register(async (uploads) => {
    takeStreams(uploads);
    uploads.post(
      '/blobs',
      {
        config: { scope: 'requestor', accepts: UPLOAD_TYPES },
        schema: {
          summary: 'Upload an input file; the same bytes are stored once',
          response: answers({ 201: BlobView }),
        },
      },
      async (request, reply) => {
        const { hash, sizeBytes } = await receive(request, context);
        return reply.code(201).header('location', `/v1/blobs/${hash}`).send({ hash, sizeBytes });
      },
    );
  });
};

/** Streams a blob, whose content no browser may interpret. */
export function download(reply: FastifyReply, { blobs }: RouteContext, blob: BlobInfo): FastifyReply {
  return reply
    .header('content-type', 'application/octet-stream')
    .header('content-length', blob.sizeBytes)
    .header('etag', `"${blob.hash}"`)
    .header('x-content-type-options', 'nosniff')
    .header('content-disposition', 'attachment')
    .send(Readable.from(blobs.read(blob.hash), { objectMode: false }));
}
