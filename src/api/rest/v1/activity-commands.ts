import { Type, type TProperties } from 'typebox';
import type { Batch } from '../../../interface/index.ts';
import { Captures, TimeLimitMs, EnvVars, ExeScript, Id, type ExeCommand } from '../../../interface/index.ts';
import { IdempotencyHeaders, type Answer } from '../../idempotency.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { answers, closed, IdParams } from '../../schemas/common.ts';
import { found } from '../found.ts';

const Args = Type.Array(Type.String({ maxLength: 131_072, pattern: '^[^\\0]*$' }), { maxItems: 4096 });

/** Every command may name the batch that it makes. */
function command<P extends TProperties>(properties: P, options: { default?: object } = {}) {
  return Type.Object({ batchId: Type.Optional(Id), ...properties }, { ...closed, ...options });
}

const DeployBody = command({ env: Type.Optional(EnvVars) }, { default: {} });
const StartBody = command({ args: Type.Optional(Args) }, { default: {} });
const RunBody = command({
  entryPoint: Type.String({ maxLength: 4096, pattern: '^[^\\0]*$', default: 'main' }),
  args: Type.Optional(Args),
  env: Type.Optional(EnvVars),
  stdin: Type.Optional(Type.String({ pattern: '^sha256:[0-9a-f]{64}$', description: 'An uploaded blob' })),
  timeoutMs: Type.Optional(TimeLimitMs),
  capture: Type.Optional(Captures),
});
const ExecBody = command({ script: ExeScript });
const BatchRef = Type.Object({ batchId: Id, activityId: Id }, closed);

export const activityCommandRoutes: Routes = (app, context) => {
  const exec = async (
    activityId: string,
    batchId: string,
    script: ExeScript,
  ): Promise<Answer<Batch | object>> => {
    found('activity', activityId, await context.activities.get(activityId));
    const batch = await context.activities.exec(activityId, batchId, script);
    return {
      status: 202,
      location: `/v1/activities/${activityId}/batches/${batch.batchId}`,
      body: { batchId: batch.batchId, activityId },
    };
  };
  const common = { params: IdParams, headers: IdempotencyHeaders, response: answers({ 202: BatchRef }) };
  const config = { scope: 'requestor' } as const;
  const { idempotency } = context;

  app.post(
    '/activities/:id/deploy',
    {
      config,
      schema: { summary: 'Bring the package into a sandbox with its limits', ...common, body: DeployBody },
    },
    (request, reply) =>
      idempotency.once(request, reply, async (id) => {
        const { batchId = id, ...deploy } = request.body;
        return exec(request.params.id, batchId, [{ deploy }]);
      }),
  );
  app.post(
    '/activities/:id/start',
    { config, schema: { summary: 'Start the sandbox', ...common, body: StartBody } },
    (request, reply) =>
      idempotency.once(request, reply, async (id) => {
        const { batchId = id, ...start } = request.body;
        return exec(request.params.id, batchId, [{ start }]);
      }),
  );
  app.post(
    '/activities/:id/run',
    { config, schema: { summary: 'Run a program of the package', ...common, body: RunBody } },
    (request, reply) =>
      idempotency.once(request, reply, async (id) => {
        const { batchId = id, entryPoint, timeoutMs, ...rest } = request.body;
        const run: ExeCommand = {
          run: {
            entry_point: entryPoint,
            ...rest,
            ...(timeoutMs !== undefined && { timeout_ms: timeoutMs }),
          },
        };
        return exec(request.params.id, batchId, [run]);
      }),
  );
  app.post(
    '/activities/:id/exec',
    { config, schema: { summary: 'Run a whole ExeScript as one batch', ...common, body: ExecBody } },
    (request, reply) =>
      idempotency.once(request, reply, async (id) =>
        exec(request.params.id, request.body.batchId ?? id, request.body.script),
      ),
  );
  terminateRoute(app, context);
};

const TerminateBody = Type.Object({}, { ...closed, default: {} });
const Ended = Type.Object({ activityId: Id, state: Type.String() }, closed);

const terminateRoute: Routes = (app, { activities, idempotency }: RouteContext) => {
  app.post(
    '/activities/:id/terminate',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'End the activity: it becomes Completed when no command failed, else Terminated',
        params: IdParams,
        headers: IdempotencyHeaders,
        body: TerminateBody,
        response: answers({ 202: Ended }),
      },
    },
    (request, reply) =>
      idempotency.once(request, reply, async () => {
        const { id } = request.params;
        found('activity', id, await activities.get(id));
        await activities.destroy(id);
        const { state } = found('activity', id, await activities.get(id));
        return { status: 202, body: { activityId: id, state } };
      }),
  );
};
