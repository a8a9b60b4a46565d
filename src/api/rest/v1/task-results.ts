import { Type } from 'typebox';
import { Bytes, Id, TaskResult, type TaskRecord } from '../../../interface/index.ts';
import { ApiError } from '../../errors.ts';
import type { Routes } from '../../route.ts';
import { answers, closed, IdParams } from '../../schemas/common.ts';
import { found } from '../found.ts';
import { download } from './blobs.ts';

const output = TaskResult.properties.outputs.items.properties;
const ResultsView = Type.Object(
  {
    taskId: Id,
    state: Type.String(),
    exitCode: Type.Optional(Type.Integer()),
    stdoutBytes: Bytes,
    stderrBytes: Bytes,
    outputs: Type.Array(Type.Object({ index: Type.Integer(), ...output }, closed)),
  },
  closed,
);
const PathParams = Type.Object(
  {
    id: Id,
    '*': Type.String({
      minLength: 1,
      maxLength: 4096,
      description: 'Path inside the activity, or the index',
    }),
  },
  closed,
);

export const taskResultRoutes: Routes = (app, context) => {
  const taskOf = async (id: string): Promise<TaskRecord> => found('task', id, await context.tasks.get(id));

  app.get(
    '/tasks/:id/results',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Exit code and output files of a task',
        params: IdParams,
        response: answers({ 200: ResultsView }),
      },
    },
    async ({ params: { id } }) => {
      const { state, result } = await taskOf(id);
      const { outputs = [], stdoutBytes = 0, stderrBytes = 0, exitCode } = result ?? {};
      return {
        taskId: id,
        state,
        ...(exitCode !== undefined && { exitCode }),
        stdoutBytes,
        stderrBytes,
        outputs: outputs.map((file, index) => ({ index, ...file })),
      };
    },
  );
  app.get(
    '/tasks/:id/results/*',
    {
      config: { scope: 'read', produces: ['application/octet-stream'] },
      schema: { summary: 'Download one output file, by its path or index', params: PathParams },
    },
    async (request, reply) => {
      const { id, '*': name } = request.params;
      const { result, state } = await taskOf(id);
      const outputs = result?.outputs ?? [];
      const path = name.startsWith('/') ? name : `/${name}`;
      const file = /^\d{1,3}$/.test(name)
        ? outputs[Number(name)]
        : outputs.find((candidate) => candidate.path === path);
      if (file === undefined) {
        throw new ApiError('ERR_API_NOT_FOUND', `Task ${id} (${state}) has no output ${name.slice(0, 256)}`, {
          outputs: outputs.map((candidate) => candidate.path),
        });
      }
      return download(reply, context, found('blob', file.blob, await context.blobs.stat(file.blob)));
    },
  );
};
