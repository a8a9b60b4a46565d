import { Type, type Static } from 'typebox';
import type { ApiServer } from '../../../route.ts';
import { invalid } from '../errors.ts';
import { platformParts } from '../platforms.ts';
import { sendJson } from '../reply.ts';
import type { YagnaServices } from '../services.ts';
import { parseMs } from '../time.ts';
import { AllocationAdapter } from './allocation-adapter.ts';

const Name = Type.String({ maxLength: 256 });
const Empty = Type.Union([Type.Null(), Name]);
const Body = Type.Object({
  totalAmount: Type.Union([Type.String({ maxLength: 64 }), Type.Number()]),
  paymentPlatform: Type.Optional(
    Type.Union([
      Empty,
      Type.Object({
        driver: Type.Optional(Empty),
        network: Type.Optional(Empty),
        token: Type.Optional(Empty),
      }),
    ]),
  ),
  address: Type.Optional(Empty),
  timeout: Type.Optional(Empty),
  makeDeposit: Type.Optional(Type.Union([Type.Null(), Type.Boolean()])),
  deposit: Type.Optional(Type.Unknown()),
});
const Update = Type.Object({
  totalAmount: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Number()])),
  timeout: Type.Optional(Empty),
});
const Params = Type.Object({ allocationId: Type.String({ maxLength: 512 }) });
const Ids = Type.String({ maxLength: 16_384 });
const Decorations = Type.Object({ allocationIds: Type.Union([Ids, Type.Array(Ids, { maxItems: 256 })]) });
const READ = { scope: 'read' } as const;
const ACT = { scope: 'requestor' } as const;

export function allocationRoutes(app: ApiServer, { context, platforms, me }: YagnaServices): void {
  const allocations = new AllocationAdapter(context, platforms);
  app.post('/allocations', { config: ACT, schema: { body: Body } }, async ({ body }, reply) => {
    const { address, timeout, makeDeposit, deposit } = body;
    // Whoever names one means somebody else's money: its own must not be taken in its place.
    if (deposit !== undefined && deposit !== null)
      throw invalid('Deposits are not served: an allocation here is out of the account of this node');
    const platform = platformOf(body.paymentPlatform);
    const made = await allocations.create({
      totalAmount: String(body.totalAmount),
      ...(platform !== undefined && { platform }),
      ...(isGiven(address) && { address }),
      ...(isGiven(timeout) && { timeout: parseMs(timeout) }),
      makeDeposit: makeDeposit ?? false,
    });
    return sendJson(reply, made, 201);
  });
  app.get('/allocations', { config: READ }, async () => allocations.list());
  app.get('/allocations/:allocationId', { config: READ, schema: { params: Params } }, async ({ params }) =>
    allocations.get(params.allocationId),
  );
  app.put(
    '/allocations/:allocationId',
    { config: ACT, schema: { params: Params, body: Update } },
    async ({ params, body: { totalAmount, timeout } }) =>
      allocations.change(params.allocationId, {
        ...(totalAmount !== undefined && { totalAmount: String(totalAmount) }),
        ...(isGiven(timeout) && { timeout: parseMs(timeout) }),
      }),
  );
  app.delete(
    '/allocations/:allocationId',
    { config: ACT, schema: { params: Params } },
    async ({ params }, reply) => {
      await allocations.release(params.allocationId);
      return sendJson(reply, null);
    },
  );
  app.get('/demandDecorations', { config: READ, schema: { querystring: Decorations } }, async ({ query }) => {
    const ids = [query.allocationIds]
      .flat()
      .flatMap((list) => list.split(','))
      .filter((id) => id !== '');
    if (ids.length === 0) throw invalid('allocationIds names no allocation');
    return allocations.decorations(ids);
  });
  const accounts = async (): Promise<object[]> =>
    platforms.names().map((platform) => ({
      platform,
      address: me,
      ...platformParts(platform),
      send: true,
      receive: true,
    }));
  app.get('/requestorAccounts', { config: READ }, accounts);
  app.get('/providerAccounts', { config: READ }, accounts);
}

function platformOf(given: Static<typeof Body>['paymentPlatform']): string | undefined {
  if (given === null || given === undefined || given === '') return undefined;
  if (typeof given === 'string') return given;
  return [given.driver, given.network, given.token].filter(isGiven).join('-');
}

/** Clients send what they do not know as empty text. */
function isGiven(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && text !== '';
}
