import type { ApiServer } from '../../route.ts';
import { YagnaError } from './errors.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A path of Yagna's API that this node does not serve, and why. */
export interface Missing {
  readonly method: Method;
  readonly path: string;
  readonly reason: string;
}

const JOURNAL =
  'The state of an activity follows from the journal of what has happened in it; nobody sets it from outside, since bills rest on it';
const METERED =
  'This node issues the bills for what it sells, each out of the samples of its meters, which the other party checks; one made by hand would be refused there';
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
    QUERY,
    'POST /offers/:subscriptionId/propertyQuery/:queryId',
    'POST /demands/:subscriptionId/propertyQuery/:queryId',
  ),
  ...list('/activity-api/v1', JOURNAL, 'PUT /activity/:activityId/state'),
  ...list('/activity-api/v1', SGX, 'POST /activity/:activityId/encrypted'),
  ...list('/payment-api/v1', METERED, 'POST /debitNotes', 'POST /invoices'),
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
