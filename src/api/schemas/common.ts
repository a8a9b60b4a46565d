import { Type, type TSchema } from 'typebox';
import { BlobHash, Bytes, Id, PinnedImage, Timestamp } from '../../interface/index.ts';

export const closed = { additionalProperties: false } as const;

export const IdParams = Type.Object({ id: Id }, closed);
export const HashParams = Type.Object({ hash: BlobHash }, closed);

/**
 * The answers of a route, by status. They make the OpenAPI document; the tests hold every answer against them, since
 * records are typed more narrowly in code than a schema can say.
 */
export function answers(schemas: Readonly<Record<number, TSchema>>): object {
  return schemas;
}

export const MAX_PAGE = 500;

/** Members of every list's query. */
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: 50 }),
  after: Type.Optional(
    Type.String({ pattern: '^[A-Za-z0-9:._/-]{1,256}$', description: 'The `next` of the page before' }),
  ),
};

/** One page of a list, newest first; `next` is absent on the last one. */
export function page<S extends TSchema>(item: S) {
  return Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) }, closed);
}

export const BlobView = Type.Object({ hash: BlobHash, sizeBytes: Bytes }, closed);
export const PackageView = Type.Object(
  {
    hash: BlobHash,
    sizeBytes: Bytes,
    name: Type.Optional(Type.String()),
    image: Type.Optional(PinnedImage),
    uploadedAt: Timestamp,
  },
  closed,
);

export const PackageListView = Type.Object(
  {
    ...PackageView.properties,
    openTasks: Type.Integer({ minimum: 0, description: 'How many tasks need it that are not over' }),
  },
  closed,
);
export const RemovedView = Type.Object(
  {
    removed: Type.Boolean({ description: 'False when there was no such thing, as after the first time' }),
    blobs: Type.Integer({
      minimum: 0,
      description: 'Files that went; what something else has to do with stays',
    }),
    freedBytes: Bytes,
  },
  closed,
);

export const LogQuery = {
  stream: Type.Union([Type.Literal('stdout'), Type.Literal('stderr')], { default: 'stdout' }),
  offset: Type.Optional(Bytes),
  follow: Type.Boolean({ default: false, description: 'Wait for what is still to come' }),
};
export const LastEventId = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ pattern: '^[0-9:]{1,32}$', description: 'Go on after this event' }),
  ),
});
