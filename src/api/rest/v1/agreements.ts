import { Type, type Static } from 'typebox';
import {
  AgreementRecord,
  Constraints,
  Id,
  PlatformName,
  Properties,
  Reason,
  Timestamp,
  type AgreementRequest,
} from '../../../interface/index.ts';
import { PROPERTY } from '../../../interface/property-names.ts';
import { AgreementVerification, verifyAgreement } from '../../agreement-verification.ts';
import { IdempotencyHeaders } from '../../idempotency.ts';
import { invalidRequest } from '../../validation.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { answers, closed, IdParams, page, pageQuery } from '../../schemas/common.ts';
import { Tokens } from '../../schemas/task.ts';
import { found } from '../found.ts';
import { smallestUnits } from './task-spec.ts';

const HOUR_MS = 3600 * 1000;
const STATES = ['Proposal', 'Pending', 'Approved', 'Terminated', 'Rejected', 'Cancelled', 'Expired'] as const;

const ListQuery = Type.Object(
  {
    ...pageQuery,
    state: Type.Optional(Type.Enum(STATES)),
    role: Type.Optional(AgreementRecord.properties.role),
  },
  closed,
);
const AgreementBody = Type.Object(
  {
    agreementId: Type.Optional(Id),
    offerId: Type.Optional(Id),
    properties: Type.Optional(Properties),
    constraints: Type.String({ ...Constraints, default: '', description: 'On the provider’s properties' }),
    expiresAt: Type.Optional(Timestamp),
    platform: Type.String({ ...PlatformName, default: 'ledger' }),
    budget: Type.Optional(
      Type.String({
        ...Tokens,
        description: 'Tokens set aside for this agreement; without it its bills are rejected',
      }),
    ),
  },
  closed,
);
type AgreementBody = Static<typeof AgreementBody>;
const TerminateBody = Type.Object(
  {
    reason: Type.Object(Reason.properties, {
      ...closed,
      default: { code: 'Requestor', message: 'No longer needed' },
    }),
  },
  { ...closed, default: {} },
);

export const agreementRoutes: Routes = (app, context) => {
  const { agreements, books, idempotency } = context;
  const byId = async (id: string): Promise<AgreementRecord> =>
    found('agreement', id, await agreements.get(id));

  app.post(
    '/agreements',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'Agree with the provider of an offer, or with the best that matches',
        headers: IdempotencyHeaders,
        body: AgreementBody,
        response: answers({ 201: AgreementRecord }),
      },
    },
    (request, reply) =>
      idempotency.once(request, reply, async (id) => {
        const record = await agree(context, request.body.agreementId ?? id, request.body);
        return { status: 201, location: `/v1/agreements/${record.agreement.agreementId}`, body: record };
      }),
  );
  app.get(
    '/agreements',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Agreements of both roles',
        querystring: ListQuery,
        response: answers({ 200: page(AgreementRecord) }),
      },
    },
    async ({ query: { limit, after, ...where } }) => books.agreements.list({ limit, after, where }),
  );
  app.get(
    '/agreements/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'One agreement with its signatures',
        params: IdParams,
        response: answers({ 200: AgreementRecord }),
      },
    },
    async ({ params: { id } }) => byId(id),
  );
  app.get(
    '/agreements/:id/verification',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Check the digest and every signature of an agreement anew',
        params: IdParams,
        response: answers({ 200: AgreementVerification }),
      },
    },
    async ({ params: { id } }) => verifyAgreement(await byId(id), context.verifier),
  );
  app.post(
    '/agreements/:id/terminate',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'End an agreement with a signed reason',
        params: IdParams,
        headers: IdempotencyHeaders,
        body: TerminateBody,
        response: answers({ 200: AgreementRecord }),
      },
    },
    (request, reply) =>
      idempotency.once(request, reply, async () => {
        await byId(request.params.id);
        return { status: 200, body: await agreements.terminate(request.params.id, request.body.reason) };
      }),
  );
};

/**
 * The money is set aside once somebody has agreed, under the agreement's own id: a repeat after a crash finds both.
 * No bill comes before an activity, so none can overtake it.
 */
async function agree(
  context: RouteContext,
  agreementId: string,
  body: AgreementBody,
): Promise<AgreementRecord> {
  const { allocations, clock } = context;
  const { budget, platform, offerId, properties = {}, constraints, expiresAt = clock.now() + HOUR_MS } = body;
  refuseExpiration(properties);
  const total = budget === undefined ? undefined : await smallestUnits(budget, platform, context);
  const record = await negotiate(context, {
    agreementId,
    properties,
    constraints,
    expiresAt,
    ...(offerId !== undefined && { offerId }),
  });
  if (total !== undefined) {
    await allocations.create({ allocationId: agreementId, platform, total });
    await allocations.assign(agreementId, agreementId);
  }
  return record;
}

/** The agreement would end at `expiresAt` all the same. */
function refuseExpiration(properties: NonNullable<AgreementBody['properties']>): void {
  const got = properties[PROPERTY.expiration];
  if (got === undefined) return;
  const path = `/body/properties/${PROPERTY.expiration}`;
  throw invalidRequest([
    { path, expected: 'must be left out: say expiresAt beside properties', got: String(got) },
  ]);
}

async function negotiate(context: RouteContext, request: AgreementRequest): Promise<AgreementRecord> {
  const timeout = new AbortController();
  const cancel = context.clock.setTimer(() => timeout.abort(), context.limits.negotiationTimeoutMs);
  try {
    return await context.agreements.request(request, AbortSignal.any([timeout.signal, context.stopSignal]));
  } finally {
    cancel();
  }
}
