import { Type } from 'typebox';
import { bucketCollection } from '../../collection.ts';
import { packageBucket, type PackageRecord } from '../../package-bucket.ts';
import type { ApiServer, RouteContext, Routes } from '../../route.ts';
import { answers, closed, HashParams, PackageView, page, pageQuery } from '../../schemas/common.ts';
import { receive, takeStreams, UPLOAD_TYPES } from '../../upload.ts';
import { found } from '../found.ts';

const UploadQuery = Type.Object(
  { name: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'For people' })) },
  closed,
);

export const packageRoutes: Routes = (app, context) => {
  const packages = bucketCollection(context.store, packageBucket, {});
  const byHash = async (hash: string): Promise<PackageRecord> =>
    found('package', hash, await packages.get(hash));

  app.get(
    '/packages',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Uploaded task packages',
        querystring: Type.Object(pageQuery, closed),
        response: answers({ 200: page(PackageView) }),
      },
    },
    async (request) => packages.list(request.query),
  );
  app.get(
    '/packages/:hash',
    {
      config: { scope: 'read' },
      schema: { summary: 'One task package', params: HashParams, response: answers({ 200: PackageView }) },
    },
    async (request) => byHash(request.params.hash),
  );
  app.head(
    '/packages/:hash',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Whether a task package is here',
        params: HashParams,
        response: answers({ 200: Type.Null() }),
      },
    },
    async (request, reply) => {
      await byHash(request.params.hash);
      return reply.code(200).send();
    },
  );
  void app.register(async (uploads: ApiServer) => {
    takeStreams(uploads);
    uploads.post(
      '/packages',
      {
        config: { scope: 'requestor', accepts: UPLOAD_TYPES },
        schema: {
          summary: 'Upload a task package; the same bytes are stored once',
          querystring: UploadQuery,
          response: answers({ 201: PackageView }),
        },
      },
      async (request, reply) => {
        const blob = await receive(request, context);
        const record = await remember(context, blob.hash, blob.sizeBytes, request.query.name);
        return reply.code(201).header('location', `/v1/packages/${blob.hash}`).send(record);
      },
    );
  });
};

async function remember(
  { store, clock }: RouteContext,
  hash: string,
  sizeBytes: number,
  name: string | undefined,
): Promise<PackageRecord> {
  return store.transact(async (tx) => {
    const known = await tx.get(packageBucket, hash);
    if (known !== undefined && (name === undefined || known.name === name)) return known;
    const record = {
      ...(known ?? { hash, sizeBytes, uploadedAt: clock.now() }),
      ...(name !== undefined && { name }),
    };
    tx.put(packageBucket, hash, record);
    return record;
  });
}
