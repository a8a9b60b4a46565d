import { Type } from 'typebox';
import { ConfigReload, ProviderMode, ProviderStatus } from '../../../interface/index.ts';
import type { ProviderOperations } from '../../components.ts';
import { ApiError } from '../../errors.ts';
import { IdempotencyHeaders } from '../../idempotency.ts';
import type { Routes } from '../../route.ts';
import { answers, closed } from '../../schemas/common.ts';

const ModeBody = Type.Object({ mode: ProviderMode }, closed);
const NoBody = Type.Object({}, { ...closed, default: {} });

export const providerRoutes: Routes = (app, { provider, idempotency }) => {
  const operations = (): ProviderOperations => {
    if (provider !== undefined) return provider;
    throw new ApiError('ERR_API_NOT_A_PROVIDER', 'This node sells nothing');
  };

  app.get(
    '/provider',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Whether this node sells, why not, and what is under way',
        response: answers({ 200: ProviderStatus }),
      },
    },
    async () => operations().status(),
  );
  app.post(
    '/provider',
    {
      config: { scope: 'provider' },
      schema: {
        summary: '`run`; `drain`: no new agreements; `pause`: that, and all that runs is suspended',
        headers: IdempotencyHeaders,
        body: ModeBody,
        response: answers({ 200: ProviderStatus }),
      },
    },
    async (request, reply) => {
      const selling = operations();
      return idempotency.once(request, reply, async () => ({
        status: 200,
        body: await selling.setMode(request.body.mode),
      }));
    },
  );
  app.post(
    '/provider/reload',
    {
      config: { scope: 'provider' },
      schema: {
        summary: 'Read the configuration again: presets, prices, lists, caps and schedule hold at once',
        headers: IdempotencyHeaders,
        body: NoBody,
        response: answers({ 200: ConfigReload }),
      },
    },
    async (request, reply) => {
      const selling = operations();
      return idempotency.once(request, reply, async () => ({ status: 200, body: await selling.reload() }));
    },
  );
};
