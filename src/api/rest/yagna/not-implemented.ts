import type { ApiServer } from '../../route.ts';
import { YagnaError } from './errors.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A path of Yagna's API that this node does not serve, and why. */
export interface Missing {
  readonly method: Method;
  readonly path: string;
  readonly reason: string;
}

const AUTOMATIC =
  'This node negotiates what it sells by itself, by its presets and policies; see /v1/offers and the section `provider` of its configuration';
const BILLED =
  'This node issues and delivers the bills for what it sells by itself, out of the samples of its meters';
const QUERY = 'Properties that are asked for one by one are not part of the market protocol';
const SGX = 'There are no enclaves here';

const list = (prefix: string, reason: string, ...routes: readonly string[]): Missing[] =>
  routes.map((route) => {
    const [method = 'GET', path = ''] = route.split(' ');
    return { method: method as Method, path: prefix + path, reason };
  });

export const NOT_IMPLEMENTED: readonly Missing[] = [
  ...list(
    '/market-api/v1',
    AUTOMATIC,
    'POST /offers',
    'DELETE /offers/:subscriptionId',
    'GET /offers/:subscriptionId/events',
    'GET /offers/:subscriptionId/proposals/:proposalId',
    'POST /offers/:subscriptionId/proposals/:proposalId',
    'POST /offers/:subscriptionId/proposals/:proposalId/reject',
    'POST /agreements/:agreementId/approve',
    'POST /agreements/:agreementId/reject',
  ),
  ...list(
    '/market-api/v1',
    QUERY,
    'POST /offers/:subscriptionId/propertyQuery/:queryId',
    'POST /demands/:subscriptionId/propertyQuery/:queryId',
  ),
  ...list('/activity-api/v1', AUTOMATIC, 'GET /events', 'PUT /activity/:activityId/state'),
  ...list('/activity-api/v1', SGX, 'POST /activity/:activityId/encrypted'),
  ...list(
    '/payment-api/v1',
    BILLED,
    'POST /debitNotes',
    'POST /debitNotes/:debitNoteId/send',
    'POST /debitNotes/:debitNoteId/cancel',
    'POST /invoices',
    'POST /invoices/:invoiceId/send',
    'POST /invoices/:invoiceId/cancel',
  ),
  ...list(
    '/payment-api/v1',
    'An allocation is not changed once bills may rest on it; make another',
    'PUT /allocations/:allocationId',
  ),
];

/** They answer 501 and say why, whatever the request says. */
export function missingRoutes(app: ApiServer): void {
  // A body that nobody reads.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  for (const { method, path, reason } of NOT_IMPLEMENTED) {
    app.route({
      method,
      url: path,
      config: { scope: 'read' },
      handler: async () => {
        throw new YagnaError('ERR_YAGNA_NOT_IMPLEMENTED', reason);
      },
    });
  }
}
