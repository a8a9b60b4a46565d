import { YAGNA_VERSION } from '../../../interface/index.ts';
import type { ApiServer } from '../../route.ts';
import type { YagnaServices } from './services.ts';

export function identityRoutes(app: ApiServer, { me }: YagnaServices): void {
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
