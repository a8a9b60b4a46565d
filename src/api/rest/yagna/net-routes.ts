import type { ApiServer } from '../../route.ts';
import type { YagnaRooms } from './rooms.ts';

export function netRoutes(app: ApiServer, { context, me }: YagnaRooms): void {
  for (const path of ['/net-api/v2/net/status', '/net-api/v1/status']) {
    app.get(path, { config: { scope: 'read' } }, async () => ({
      nodeId: me,
      sessions: context.network.peers().length,
    }));
  }
}
