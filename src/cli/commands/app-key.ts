import type { Command } from 'commander';
import { Type, type Static } from 'typebox';
import { Timestamp } from '../../interface/index.ts';
import type { Commands } from '../command.ts';
import { time } from '../format.ts';
import { collect, parseDuration } from '../parse.ts';

const AppKeyView = Type.Object({
  appKeyId: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  corsOrigins: Type.Optional(Type.Array(Type.String())),
  createdAt: Timestamp,
  expiresAt: Type.Optional(Timestamp),
  revokedAt: Type.Optional(Timestamp),
});
type AppKeyView = Static<typeof AppKeyView>;
const CreatedKey = Type.Object({ ...AppKeyView.properties, key: Type.String() });

export function appKeyCommands(group: Command, commands: Commands): void {
  commands.add<{ scope?: readonly string[]; expires?: number; corsOrigin?: readonly string[] }>(
    group,
    {
      usage: 'create <name>',
      summary: 'make a key; the secret is printed this once',
      examples: [
        ['app-key create ci --scope requestor --expires 30d', 'submits tasks, for a month'],
        ['app-key create grafana --scope read', 'may only look'],
        [
          'app-key create page --scope requestor --cors-origin https://app.example.com',
          'for a page of that site',
        ],
      ],
    },
    (command) =>
      command
        .option('--scope <scope>', 'read, requestor, provider or admin (repeatable; default: read)', collect)
        .option('--expires <duration>', 'how long it works, e.g. 30d (default: until revoked)', parseDuration)
        .option(
          '--cors-origin <origin>',
          'a web origin whose pages may use it in a browser; * for any (repeatable; default: none)',
          collect,
        ),
    async (session, [name = ''], { scope = ['read'], expires, corsOrigin }) => {
      const client = await session.client();
      const expiresAt = expires === undefined ? undefined : Date.now() + expires;
      const created = await client.post('/v1/app-keys', CreatedKey, {
        name,
        scopes: scope,
        expiresAt,
        corsOrigins: corsOrigin,
      });
      await session.print(created, () => created.key);
      await session.note(`Key ${created.appKeyId} (${created.scopes.join(', ')}). It is not shown again.`);
      return undefined;
    },
  );
  commands.add(
    group,
    {
      usage: 'list',
      summary: 'keys, without their secrets',
      examples: [['app-key list', 'revoked ones too']],
    },
    () => undefined,
    async (session) => {
      const { items } = await (
        await session.client()
      ).get('/v1/app-keys', Type.Object({ items: Type.Array(AppKeyView) }));
      const columns = [
        { title: 'ID', value: (key: AppKeyView) => key.appKeyId, whole: true },
        { title: 'NAME', value: (key: AppKeyView) => key.name },
        { title: 'SCOPES', value: (key: AppKeyView) => key.scopes.join(', ') },
        { title: 'ORIGINS', value: (key: AppKeyView) => key.corsOrigins?.join(', ') ?? '-' },
        { title: 'CREATED', value: (key: AppKeyView) => time(key.createdAt) },
        { title: 'EXPIRES', value: (key: AppKeyView) => time(key.expiresAt) },
        { title: 'REVOKED', value: (key: AppKeyView) => time(key.revokedAt) },
      ];
      await session.printList(items, columns, 'No app-keys.');
      return undefined;
    },
  );
  commands.add(
    group,
    {
      usage: 'revoke <id>',
      summary: 'end a key at once',
      examples: [['app-key revoke ID', 'the id, not the secret']],
    },
    () => undefined,
    async (session, [id = '']) => {
      const key = await (await session.client()).delete(`/v1/app-keys/${encodeURIComponent(id)}`, AppKeyView);
      await session.print(key, () => `${key.name} (${key.appKeyId}) is revoked`);
      return undefined;
    },
  );
}
