import rateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import { authenticate, knownCaller } from './auth.ts';
import type { ApiComponents } from './components.ts';
import { CrossOrigin } from './cors.ts';
import { ApiError } from './errors.ts';
import type { ApiLimits } from './limits.ts';
import { RouteMethods } from './methods.ts';
import { registerOpenApi } from './openapi.ts';
import type { Origins } from './origins.ts';
import { problemDocument, PROBLEM_TYPE, publicError } from './problem.ts';
import type { ApiServer } from './route.ts';
import { validatorCompiler } from './validation.ts';
import { refuseBrokenText } from './well-formed.ts';

/** A Fastify server with our errors, limits, authentication and validation, and no routes yet. */
export async function createServer(
  init: { readonly limits: ApiLimits; readonly version: string },
  components: Pick<ApiComponents, 'appKeys' | 'logger' | 'newId'> & { readonly origins: Origins },
): Promise<ApiServer> {
  const { limits } = init;
  const onError = errorHandler(components);
  const pages = new CrossOrigin(components.origins, components.appKeys);
  const app: ApiServer = fastify({
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: { headersTimeout: Math.min(60_000, limits.requestTimeoutMs), maxHeaderSize: 16_384 },
    genReqId: components.newId,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (error, request, reply) => {
      // No hook has run.
      pages.greet.call(app, request, reply).then(
        (answered) => {
          if (answered === undefined) onError(error, request, reply);
        },
        () => onError(error, request, reply),
      );
    },
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, pages.headersOn(socket)),
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = limits.maxConnections;
  app.setValidatorCompiler(validatorCompiler);
  // Schemas describe the answers in the OpenAPI document, and the tests hold the answers against them.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler(onError);
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('caller', undefined);

  const methods = new RouteMethods();
  methods.watch(app);
  app.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) throw new TypeError(`Route ${route.url} names no scope`);
  });
  app.addHook('onRequest', pages.greet);
  await limitRate(app, limits, components.appKeys);
  app.addHook('onRequest', pages.admit);
  app.addHook('onRequest', authenticate(components.appKeys));
  app.addHook('preHandler', refuseBrokenText);
  app.setNotFoundHandler((request, reply) => onError(notFound(request, reply, methods), request, reply));
  await registerOpenApi(app, init.version);
  return app;
}

/** Counts by address, before the app-key is looked at, so that keys cannot be guessed at speed. */
async function limitRate(
  app: ApiServer,
  limits: ApiLimits,
  appKeys: ApiComponents['appKeys'],
): Promise<void> {
  await app.register(rateLimit, { global: false });
  const check = app.createRateLimit({ max: limits.rateLimitPerMinute, timeWindow: 60_000 });
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.uncounted === true) {
      request.caller = await knownCaller(request, appKeys);
      if (request.caller !== undefined) return;
    }
    const limit = await check(request);
    if (limit.isAllowed || !limit.isExceeded) return;
    void reply.header('retry-after', limit.ttlInSeconds);
    throw new ApiError(
      'ERR_API_RATE_LIMITED',
      `More than ${limit.max} requests a minute from ${request.ip}`,
      {
        requestsPerMinute: limit.max,
        retryAfterSeconds: limit.ttlInSeconds,
      },
    );
  });
}

function errorHandler({ logger }: Pick<ApiComponents, 'logger'>) {
  const log = logger.child({ component: 'api' });
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const { error: shown, status } = publicError(error);
    const fields = {
      requestId: request.id,
      method: request.method,
      url: request.url,
      status,
      code: shown.code,
    };
    if (status >= 500) log.error({ ...fields, err: error }, 'request failed');
    else log.debug(fields, 'request refused');
    if (status === 401) void reply.header('www-authenticate', 'Bearer');
    // What is left of a body that was refused is not worth reading.
    if (status === 413 || status === 408) void reply.header('connection', 'close');
    void reply
      .code(status)
      .type(PROBLEM_TYPE)
      .serializer((document: unknown) => JSON.stringify(document))
      .send(problemDocument(shown, status, request.id));
  };
}

function notFound(request: FastifyRequest, reply: FastifyReply, methods: RouteMethods): ApiError {
  const path = request.url.split('?', 1)[0] ?? '';
  const allowed = methods.allowed(path);
  if (allowed.length === 0) {
    return new ApiError(
      'ERR_API_ROUTE_NOT_FOUND',
      `There is no ${path.slice(0, 256)} here; see /v1/openapi.json`,
    );
  }
  void reply.header('allow', allowed.join(', '));
  return new ApiError(
    'ERR_API_METHOD_NOT_ALLOWED',
    `${request.method} is not among the methods of this path`,
    { allowed },
  );
}

/** A connection that speaks no proper HTTP has no request to answer; it gets a problem by hand and is closed. */
function refuseConnection(
  error: Error & { code?: string },
  socket: Socket,
  headers: Readonly<Record<string, string>>,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, problem } = connectionProblem(error.code);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${status} ${problem.title}\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
      Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('') +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function connectionProblem(code: string | undefined) {
  const refused =
    code === 'HPE_HEADER_OVERFLOW'
      ? new ApiError('ERR_API_HEADERS_TOO_LARGE', 'The headers are larger than 16 KiB')
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new ApiError('ERR_API_TIMEOUT', 'The request did not arrive whole in time')
        : new ApiError('ERR_API_REQUEST', 'The request is not proper HTTP/1.1');
  const { error, status } = publicError(refused);
  return { status, problem: problemDocument(error, status, 'connection') };
}
