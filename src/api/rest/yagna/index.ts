import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Startable } from '../../../interface/index.ts';
import type { ApiServer, RouteContext } from '../../route.ts';
import { activityRoutes } from './activity/routes.ts';
import { yagnaProblem } from './problem.ts';
import { gftpRoutes } from './gsb/gftp-routes.ts';
import { gsbRoutes } from './gsb/routes.ts';
import { gsbEndpoint } from './gsb/websocket.ts';
import { identityRoutes } from './identity-routes.ts';
import { imageRoutes } from './image-routes.ts';
import type { YagnaParts } from '../../yagna-parts.ts';
import type { YagnaContext } from './init.ts';
import { agreementRoutes } from './market/agreement-routes.ts';
import { demandRoutes } from './market/demand-routes.ts';
import { offerRoutes } from './market/offer-routes.ts';
import { scanRoutes } from './market/scan-routes.ts';
import { netRoutes } from './net/routes.ts';
import { networkEndpoint } from './net/websocket.ts';
import { missingRoutes } from './not-implemented.ts';
import { allocationRoutes } from './payment/allocation-routes.ts';
import { billRoutes } from './payment/bill-routes.ts';
import { paymentRoutes } from './payment/payment-routes.ts';
import { yagnaServices, type YagnaServices } from './services.ts';
import { serveWebsockets } from './websockets.ts';

export { yagnaErrors, type YagnaErrorCode } from './errors.ts';
export { NOT_IMPLEMENTED } from './not-implemented.ts';

/** The Yagna-compatible REST API: adapters of its vocabulary to this node's services. */
export interface YagnaApi extends Startable {
  /** Adds its routes, and its websockets to the server. */
  register(app: ApiServer): Promise<void>;
}

const PURGE_INTERVAL_MS = 3600 * 1000;

const AREAS: readonly (readonly [
  prefix: string,
  routes: (app: ApiServer, services: YagnaServices) => void,
])[] = [
  ['', identityRoutes],
  ['', imageRoutes],
  ['', missingRoutes],
  ['', netRoutes],
  ['/market-api/v1', demandRoutes],
  ['/market-api/v1', agreementRoutes],
  ['/market-api/v1', scanRoutes],
  ['/market-api/v1', offerRoutes],
  ['/payment-api/v1', allocationRoutes],
  ['/payment-api/v1', billRoutes],
  ['/payment-api/v1', paymentRoutes],
  ['/activity-api/v1', activityRoutes],
  ['/gsb-api/v1', gsbRoutes],
  ['/gsb-api/v1', gftpRoutes],
];

/** `parts` come from the daemon; `base` is what all routes of the API work with. */
export function yagnaApi(base: RouteContext, parts: YagnaParts): YagnaApi {
  const context: YagnaContext = { ...base, ...parts };
  const services = yagnaServices(context);
  let cancelPurge = (): void => undefined;
  const purge = (): void => {
    Promise.all([services.recorder.purge(), services.negotiations.purge()]).catch((err: unknown) =>
      context.logger.warn({ err }, 'old records of clients could not be removed'),
    );
    cancelPurge = context.clock.setTimer(purge, PURGE_INTERVAL_MS);
  };
  return {
    async register(app) {
      await app.register(async (scope) => {
        useYagnaFormats(scope, context);
        for (const [prefix, routes] of AREAS) {
          await scope.register(async (area) => routes(area, services), { prefix });
        }
      });
      serveWebsockets(app.server, context, [gsbEndpoint(services.gsb), networkEndpoint(context)]);
    },
    async start() {
      services.recorder.start();
      await services.demands.start();
      await services.offers.start();
      await services.batches.start();
      purge();
    },
    async stop() {
      cancelPurge();
      services.demands.stop();
      services.gsb.stop();
      await services.offers.stop();
      await services.recorder.stop();
      await services.batches.stop();
    },
  };
}

/** Errors as `{message}`, and bodies as lenient as Yagna takes them. */
function useYagnaFormats(app: ApiServer, { logger }: Pick<YagnaContext, 'logger'>): void {
  const log = logger.child({ component: 'yagna-api' });
  app.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, hide: true };
    route.config = { ...route.config, uncounted: true };
  });
  app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const { status, message } = yagnaProblem(error);
    const fields = { method: request.method, url: request.url.split('?', 1)[0], status };
    if (status >= 500 && status !== 501) log.error({ ...fields, err: error }, 'request failed');
    else log.debug({ ...fields, message }, 'request refused');
    void reply.code(status).type('application/json').send(JSON.stringify({ message }));
  });
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const text = String(body);
    try {
      done(null, text.trim() === '' ? undefined : JSON.parse(text));
    } catch {
      done(
        Object.assign(new Error('The body is not JSON'), {
          statusCode: 400,
          code: 'FST_ERR_CTP_INVALID_JSON_BODY',
        }),
      );
    }
  });
}
