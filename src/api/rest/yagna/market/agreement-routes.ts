import { Type } from 'typebox';
import type { AgreementState } from '../../../../interface/index.ts';
import { expectScope } from '../../../auth.ts';
import type { ApiServer } from '../../../route.ts';
import { notFound } from '../errors.ts';
import { poll, PollQuery } from '../events/poll.ts';
import { clientGone } from '../hold.ts';
import { sendJson } from '../reply.ts';
import type { YagnaServices } from '../services.ts';
import { iso, isoMicros, parseMs, timeoutMs } from '../time.ts';
import { agreementView } from './agreement-view.ts';
import { listAgreements } from './list-agreements.ts';
import { Reason } from './reason.ts';

const Params = Type.Object({ agreementId: Type.String({ maxLength: 512 }) });
const Session = Type.Object({ appSessionId: Type.Optional(Type.String({ maxLength: 256 })) });
const Timeout = Type.Object({ timeout: Type.Optional(Type.String({ maxLength: 32 })) });
const Proposal = Type.Object({
  proposalId: Type.String({ maxLength: 512 }),
  validTo: Type.String({ maxLength: 64 }),
});
const STATES = [
  'Proposal',
  'Pending',
  'Approved',
  'Terminated',
  'Rejected',
  'Cancelled',
  'Expired',
] as const satisfies readonly AgreementState[];
const State = Type.Enum(STATES);
const List = Type.Object({
  state: Type.Optional(State),
  appSessionId: Type.Optional(Type.String({ maxLength: 256 })),
  afterDate: Type.Optional(Type.String({ maxLength: 64 })),
  beforeDate: Type.Optional(Type.String({ maxLength: 64 })),
});
const READ = { scope: 'read' } as const;
const ACT = { scope: 'requestor' } as const;
const SELL = { scope: 'provider' } as const;

export function agreementRoutes(app: ApiServer, services: YagnaServices): void {
  const { context, platforms, agreements, recorder } = services;
  app.get('/agreements', { config: READ, schema: { querystring: List } }, async ({ query }) =>
    listAgreements(context, {
      ...(query.state !== undefined && { state: query.state }),
      ...(query.appSessionId !== undefined && { appSessionId: query.appSessionId }),
      ...(query.afterDate !== undefined && { after: parseMs(query.afterDate) }),
      ...(query.beforeDate !== undefined && { before: parseMs(query.beforeDate) }),
    }),
  );
  app.post('/agreements', { config: ACT, schema: { body: Proposal } }, async ({ body }, reply) =>
    sendJson(reply, await agreements.create(body.proposalId, parseMs(body.validTo)), 201),
  );
  app.get('/agreements/:agreementId', { config: READ, schema: { params: Params } }, async ({ params }) => {
    const record = await agreements.get(params.agreementId);
    return agreementView(record, await agreements.note(params.agreementId), platforms);
  });
  app.post(
    '/agreements/:agreementId/confirm',
    { config: ACT, schema: { params: Params, querystring: Session } },
    async ({ params, query }, reply) => {
      await agreements.confirm(params.agreementId, query.appSessionId);
      return reply.code(204).send();
    },
  );
  app.post(
    '/agreements/:agreementId/wait',
    { config: ACT, schema: { params: Params, querystring: Timeout } },
    async ({ params, query }, reply) => {
      await agreements.wait(params.agreementId, timeoutMs(query.timeout), clientGone(reply));
      return reply.code(204).send();
    },
  );
  app.get('/agreementEvents', { config: READ, schema: { querystring: PollQuery } }, ({ query }, reply) =>
    poll(context, recorder, 'agreement', query, reply),
  );
  approvalRoutes(app, services);
  endingRoutes(app, services);
}

function approvalRoutes(app: ApiServer, { agreements }: YagnaServices): void {
  app.post(
    '/agreements/:agreementId/approve',
    { config: SELL, schema: { params: Params, querystring: Session } },
    async ({ params, query }, reply) => {
      await agreements.approve(params.agreementId, query.appSessionId);
      return reply.code(204).send();
    },
  );
  app.post(
    '/agreements/:agreementId/reject',
    { config: SELL, schema: { params: Params, body: Reason } },
    async ({ params, body }, reply) => {
      await agreements.reject(params.agreementId, body?.message ?? 'Rejected by the provider');
      return reply.code(204).send();
    },
  );
}

function endingRoutes(app: ApiServer, { agreements }: YagnaServices): void {
  const schema = { params: Params, body: Reason };
  app.post('/agreements/:agreementId/cancel', { config: ACT, schema }, async ({ params, body }, reply) => {
    await agreements.cancel(params.agreementId, body?.message ?? 'Cancelled by the requestor');
    return reply.code(204).send();
  });
  // Either party may end it, with a key of its own side.
  app.post(
    '/agreements/:agreementId/terminate',
    { config: READ, schema },
    async ({ params, body, caller }, reply) => {
      expectScope(caller, (await agreements.get(params.agreementId)).role);
      const { message = 'Finished', 'golem.requestor.code': code } = body ?? {};
      await agreements.terminate(params.agreementId, message, code);
      return sendJson(reply, null);
    },
  );
  app.post(
    '/agreements/:agreementId/terminate/reason',
    { config: READ, schema: { params: Params } },
    async ({ params }) => {
      const { termination } = await agreements.get(params.agreementId);
      if (termination === undefined) throw notFound('termination of agreement', params.agreementId);
      return {
        eventType: 'AgreementTerminatedEvent',
        eventDate: isoMicros(termination.at * 1000),
        agreementId: params.agreementId,
        terminator: termination.by === 'requestor' ? 'Requestor' : 'Provider',
        signature: termination.signature,
        reason: { message: termination.reason.message, code: termination.reason.code },
        timestamp: iso(termination.at),
      };
    },
  );
}
