import { Type } from 'typebox';
import type { BlobInfo } from '../../../interface/index.ts';
import { canonicalJson } from '../../../util/canonical-json.ts';
import { bucketCollection } from '../../collection.ts';
import { imagePackage } from '../../image-package.ts';
import {
  packageBucket,
  packageNameBucket,
  packageNameKey,
  type PackageRecord,
} from '../../package-bucket.ts';
import type { ApiServer, RouteContext, Routes } from '../../route.ts';
import {
  answers,
  closed,
  HashParams,
  PackageListView,
  PackageView,
  page,
  pageQuery,
  RemovedView,
} from '../../schemas/common.ts';
import { receive, takeStreams, UPLOAD_TYPES } from '../../upload.ts';
import { found } from '../found.ts';

const ImageBody = Type.Object(
  {
    image: Type.String({
      maxLength: 1024,
      pattern: '^(docker://)?[a-z0-9][a-zA-Z0-9._:/-]*(@sha256:[0-9a-f]{64})?$',
      description:
        'A container image with its digest, `registry/name@sha256:…`, or by a name that the Docker engine of this machine knows',
    }),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'For people' })),
  },
  closed,
);
const UploadQuery = Type.Object(
  { name: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'For people' })) },
  closed,
);

export const packageRoutes: Routes = (app, context) => {
  const packages = bucketCollection(context.store, packageBucket, {});
  const byHash = async (hash: string): Promise<PackageRecord> =>
    found('package', hash, await packages.get(hash));

  const withTasks = async (records: readonly PackageRecord[]) => {
    const needed = await context.removal.neededInputs();
    return records.map((record) => ({ ...record, openTasks: needed.get(record.hash) ?? 0 }));
  };

  app.get(
    '/packages',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Uploaded task packages',
        querystring: Type.Object(pageQuery, closed),
        response: answers({ 200: page(PackageListView) }),
      },
    },
    async (request) => {
      const { items, ...rest } = await packages.list(request.query);
      return { items: await withTasks(items), ...rest };
    },
  );
  app.get(
    '/packages/:hash',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'One task package',
        params: HashParams,
        response: answers({ 200: PackageListView }),
      },
    },
    async (request) => (await withTasks([await byHash(request.params.hash)]))[0],
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
  app.delete(
    '/packages/:hash',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'Remove a task package that nothing needs which is not over',
        params: HashParams,
        response: answers({ 200: RemovedView }),
      },
    },
    async (request) => context.removal.package(request.params.hash),
  );
  packageUploads(app, context);
};

const packageUploads: Routes = (app, context) => {
  app.post(
    '/packages/images',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'Make a task package of a container image, pinned by its digest',
        body: ImageBody,
        response: answers({ 201: PackageView }),
      },
    },
    async ({ body }, reply) => {
      const { blob, image } = await imagePackage(context, body.image.replace(/^docker:\/\//, ''));
      const record = await remember(context, blob, { name: body.name ?? image.slice(0, 128), image });
      return reply.code(201).header('location', `/v1/packages/${blob.hash}`).send(record);
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
        const record = await remember(context, blob, request.query);
        return reply.code(201).header('location', `/v1/packages/${blob.hash}`).send(record);
      },
    );
  });
};

/** @throws ApiError when another request removes it in this very moment */
function remember(
  context: RouteContext,
  { hash }: BlobInfo,
  names: Pick<PackageRecord, 'name' | 'image'>,
): Promise<PackageRecord> {
  return context.blobs.whileHeld([hash], async ([blob]) => note(context, found('blob', hash, blob), names));
}

function note(
  { store, clock }: RouteContext,
  { hash, sizeBytes }: BlobInfo,
  { name, image }: Pick<PackageRecord, 'name' | 'image'>,
): Promise<PackageRecord> {
  return store.transact(async (tx) => {
    const known = await tx.get(packageBucket, hash);
    const record = {
      ...(known ?? { hash, sizeBytes, uploadedAt: clock.now() }),
      ...(name !== undefined && { name }),
      ...(image !== undefined && { image }),
    };
    if (known === undefined || canonicalJson(known) !== canonicalJson(record))
      tx.put(packageBucket, hash, record);
    if (name !== undefined && (await tx.get(packageNameBucket, packageNameKey(name)))?.hash !== hash)
      tx.put(packageNameBucket, packageNameKey(name), { name, hash });
    return record;
  });
}
