import { Type } from 'typebox';
import { Id, Timestamp } from '../../../interface/index.ts';
import { CorsOrigins, SCOPES } from '../../../identity/index.ts';
import type { AppKeyInfo } from '../../components.ts';
import type { Routes } from '../../route.ts';
import { answers, closed, IdParams } from '../../schemas/common.ts';
import { found } from '../found.ts';

const Scope = Type.Enum(SCOPES);
const info = {
  appKeyId: Id,
  name: Type.String(),
  scopes: Type.Array(Scope),
  corsOrigins: Type.Optional(Type.Array(Type.String())),
  createdAt: Timestamp,
  expiresAt: Type.Optional(Timestamp),
  revokedAt: Type.Optional(Timestamp),
};
const AppKeyView = Type.Object(info, closed);
const CreatedKey = Type.Object(
  { ...info, key: Type.String({ description: 'The secret: shown this once' }) },
  closed,
);
const CreateBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\x00-\\x1f\\x7f]*$' }),
    scopes: Type.Array(Scope, { minItems: 1, maxItems: SCOPES.length, uniqueItems: true }),
    expiresAt: Type.Optional(Timestamp),
    corsOrigins: Type.Optional(CorsOrigins),
  },
  closed,
);

/** No Idempotency-Key here: a remembered answer would keep the secret in the books. */
export const appKeyRoutes: Routes = (app, { appKeys }) => {
  app.get(
    '/app-keys',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'App-keys, without their secrets',
        response: answers({ 200: Type.Object({ items: Type.Array(AppKeyView) }, closed) }),
      },
    },
    async () => ({ items: (await appKeys.list()).map(view) }),
  );
  app.post(
    '/app-keys',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Make an app-key', body: CreateBody, response: answers({ 201: CreatedKey }) },
    },
    async ({ body: { name, scopes, expiresAt, corsOrigins } }, reply) => {
      const { key, record } = await appKeys.create({
        name,
        scopes,
        ...(expiresAt !== undefined && { expiresAt }),
        ...(corsOrigins !== undefined && { corsOrigins }),
      });
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ ...view(record), key });
    },
  );
  app.delete(
    '/app-keys/:id',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Revoke an app-key', params: IdParams, response: answers({ 200: AppKeyView }) },
    },
    async ({ params: { id } }) => {
      found(
        'app-key',
        id,
        (await appKeys.list()).find(({ appKeyId }) => appKeyId === id),
      );
      return view(await appKeys.revoke(id));
    },
  );
};

/** Member by member: a record holds the hash of its secret, which is nobody's business. */
function view({ appKeyId, name, scopes, corsOrigins, createdAt, expiresAt, revokedAt }: AppKeyInfo) {
  return {
    appKeyId,
    name,
    scopes: [...scopes],
    ...(corsOrigins !== undefined && { corsOrigins: [...corsOrigins] }),
    createdAt,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(revokedAt !== undefined && { revokedAt }),
  };
}
