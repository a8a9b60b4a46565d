import type { ApiServer } from '../../route.ts';
import type { YagnaRooms } from './rooms.ts';

/** The release of Yagna whose API this is: clients refuse to talk to older ones. */
const YAGNA_VERSION = '0.17.6';

export function identityRoutes(app: ApiServer, { me }: YagnaRooms): void {
  app.get('/version/get', { config: { scope: 'public' } }, async () => ({
    current: {
      version: YAGNA_VERSION,
      name: `v${YAGNA_VERSION} (Ergon)`,
      seen: true,
      releaseTs: '2026-01-01T00:00:00',
      insertionTs: '2026-01-01T00:00:00',
    },
  }));
  app.get('/me', { config: { scope: 'read' } }, async (request) => ({
    identity: me,
    name: request.caller?.name ?? '',
    role: request.caller?.scopes.includes('admin') === true ? 'manager' : 'client',
  }));
}
