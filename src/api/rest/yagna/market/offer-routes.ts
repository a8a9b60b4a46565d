import type { ApiServer } from '../../../route.ts';
import type { YagnaRooms } from '../rooms.ts';
import { iso } from '../time.ts';
import { toClient } from './properties.ts';

/** What this node has on the market itself. */
export function offerRoutes(app: ApiServer, { context, platforms }: YagnaRooms): void {
  app.get('/offers', { config: { scope: 'read' } }, async () =>
    (await context.market.offers.own()).map((offer) => ({
      properties: toClient(offer.properties, platforms),
      constraints: offer.constraints,
      offerId: offer.offerId,
      providerId: offer.provider.toLowerCase(),
      timestamp: iso(offer.createdAt),
    })),
  );
}
