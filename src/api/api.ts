import type { Startable } from '../interface/index.ts';
import { errorMessage } from '../util/error-message.ts';
import type { ApiComponents } from './components.ts';
import { ApiError } from './errors.ts';
import { Idempotency } from './idempotency.ts';
import { DEFAULT_LIMITS, type ApiLimits } from './limits.ts';
import { v1Routes } from './rest/v1/index.ts';
import { yagnaApi, type YagnaApi } from './rest/yagna/index.ts';
import { answers } from './schemas/common.ts';
import type { ApiServer, RouteContext } from './route.ts';
import { Origins } from './origins.ts';
import { createServer } from './server.ts';
import { EventStreams } from './sse.ts';

export interface ApiInit {
  /** The address to listen on; the configuration's default is loopback. */
  readonly host: string;
  /** The port to listen on; 0 takes a free one. */
  readonly port: number;
  /** The version of the program, for the OpenAPI document. */
  readonly version: string;
  readonly limits?: Partial<ApiLimits>;
  /** Web origins whose pages may call the API with any app-key. */
  readonly corsOrigins?: readonly string[];
}

/** The node's REST server. */
export interface Api extends Startable {
  /** Where it listens; throws before the start. */
  url(): string;
}

const PURGE_INTERVAL_MS = 3600 * 1000;

/** The REST server of a node. */
export function api(init: ApiInit, components: ApiComponents): Api {
  const limits = { ...DEFAULT_LIMITS, ...init.limits };
  const idempotency = new Idempotency(components);
  const stopping = new AbortController();
  const origins = new Origins(init.corsOrigins ?? [], components.appKeys, () => components.clock.now());
  let server: ApiServer | undefined;
  let yagna: YagnaApi | undefined;
  let address: string | undefined;
  let cancelPurge = (): void => undefined;

  const purge = (): void => {
    idempotency.purge().catch((error: unknown) => {
      components.logger.warn({ component: 'api', err: error }, 'old idempotency keys could not be removed');
    });
    cancelPurge = components.clock.setTimer(purge, PURGE_INTERVAL_MS);
  };

  const stop = async (): Promise<void> => {
    stopping.abort();
    cancelPurge();
    await yagna?.stop();
    await server?.close();
    address = undefined;
  };

  return {
    start: async () => {
      const streams = new EventStreams(components.clock, limits.pingIntervalMs, stopping.signal);
      const context = { ...components, limits, idempotency, streams, origins, stopSignal: stopping.signal };
      yagna = components.yagna === undefined ? undefined : yagnaApi(context, components.yagna);
      server = await buildServer({ limits, version: init.version }, context, yagna);
      await yagna?.start();
      address = await listen(server, init).catch(async (error: unknown) => {
        await stop();
        throw error;
      });
      purge();
    },
    stop,
    url: () => {
      if (address === undefined) throw new Error('The API is not listening: call start() first');
      return address;
    },
  };
}

async function listen(server: ApiServer, { host, port }: ApiInit): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    const message = `The API cannot listen on ${host} port ${port}: ${errorMessage(cause)}`;
    throw new ApiError('ERR_API_START', message, { host, port }, { cause });
  }
}

/** The server with its routes, not listening: tests inject requests into it. */
export async function buildServer(
  init: { readonly limits: ApiLimits; readonly version: string },
  context: RouteContext,
  yagna?: YagnaApi,
): Promise<ApiServer> {
  const app = await createServer(init, context);
  await app.register(
    async (v1) => {
      for (const routes of v1Routes) routes(v1, context);
      v1.get(
        '/openapi.json',
        { config: { scope: 'public' }, schema: { summary: 'This document', response: answers({ 200: {} }) } },
        async () => app.swagger(),
      );
    },
    { prefix: '/v1' },
  );
  await yagna?.register(app);
  await app.ready();
  return app;
}
