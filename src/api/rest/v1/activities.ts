import { Type } from 'typebox';
import {
  ACTIVITY_STATES,
  ActivityLimits,
  ActivityRecord,
  BlobHash,
  Bytes,
  Id,
  UsageSample,
  type TaskPackage,
} from '../../../interface/index.ts';
import { ApiError } from '../../errors.ts';
import { IdempotencyHeaders } from '../../idempotency.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { answers, closed, IdParams, page, pageQuery } from '../../schemas/common.ts';
import { found } from '../found.ts';

const ListQuery = Type.Object(
  {
    ...pageQuery,
    state: Type.Optional(Type.Enum(ACTIVITY_STATES)),
    agreement: Type.Optional(Id),
    role: Type.Optional(ActivityRecord.properties.role),
  },
  closed,
);
const PackageFromUrl = Type.Object(
  { hash: BlobHash, sizeBytes: Bytes, url: Type.String({ maxLength: 4096, pattern: '^https?://.*' }) },
  closed,
);
const ActivityBody = Type.Object(
  {
    activityId: Type.Optional(Id),
    agreementId: Id,
    package: Type.Optional(
      Type.Union([BlobHash, PackageFromUrl], {
        description: 'An uploaded package, or one that the provider is to fetch from a URL',
      }),
    ),
    limits: Type.Object(ActivityLimits.properties, { ...closed, default: {} }),
  },
  closed,
);
const UsageView = Type.Object(
  { activityId: Id, state: Type.String(), usage: Type.Optional(UsageSample) },
  closed,
);

export const activityRoutes: Routes = (app, context) => {
  const { activities, books, idempotency } = context;
  const byId = async (id: string): Promise<ActivityRecord> =>
    found('activity', id, await books.activities.get(id));

  app.post(
    '/activities',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'Create an activity under an agreement, with its task package',
        headers: IdempotencyHeaders,
        body: ActivityBody,
        response: answers({ 201: ActivityRecord }),
      },
    },
    (request, reply) =>
      idempotency.once(request, reply, async (id) => {
        const { activityId = id, agreementId, package: named, limits } = request.body;
        const create = (taskPackage?: TaskPackage): Promise<ActivityRecord> =>
          activities.create({
            activityId,
            agreementId,
            limits,
            ...(taskPackage !== undefined && { package: taskPackage }),
          });
        const record =
          typeof named === 'string' ? await withUpload(context, named, create) : await create(named);
        return { status: 201, location: `/v1/activities/${activityId}`, body: record };
      }),
  );
  app.get(
    '/activities',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Activities of both roles',
        querystring: ListQuery,
        response: answers({ 200: page(ActivityRecord) }),
      },
    },
    async ({ query: { limit, after, ...where } }) => books.activities.list({ limit, after, where }),
  );
  app.get(
    '/activities/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'An activity: its states, reason and usage',
        params: IdParams,
        response: answers({ 200: ActivityRecord }),
      },
    },
    async ({ params: { id } }) => byId(id),
  );
  app.get(
    '/activities/:id/usage',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'The newest cumulative usage sample, in billionths of each counter’s unit',
        params: IdParams,
        response: answers({ 200: UsageView }),
      },
    },
    async ({ params: { id } }) => {
      const { state, usage } = await byId(id);
      return { activityId: id, state, ...(usage !== undefined && { usage }) };
    },
  );
};

/** The package stays here until the books name it. */
function withUpload<T>(
  { blobs }: RouteContext,
  hash: string,
  work: (taskPackage: TaskPackage) => Promise<T>,
): Promise<T> {
  return blobs.whileHeld([hash], async ([blob]) => {
    if (blob === undefined) {
      throw new ApiError(
        'ERR_API_REFERENCE',
        `The package ${hash} is not on this node; POST it to /v1/packages`,
        { hash },
      );
    }
    return work({ hash: blob.hash, sizeBytes: blob.sizeBytes });
  });
}
