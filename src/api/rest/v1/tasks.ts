import { Type } from 'typebox';
import { TASK_STATES } from '../../../interface/index.ts';
import { IdempotencyHeaders } from '../../idempotency.ts';
import type { Routes } from '../../route.ts';
import { answers, closed, IdParams, page, pageQuery, RemovedView } from '../../schemas/common.ts';
import { TaskBody, TaskView } from '../../schemas/task.ts';
import { found } from '../found.ts';
import { taskSpec } from './task-spec.ts';
import { taskView } from './task-view.ts';

const ListQuery = Type.Object(
  {
    ...pageQuery,
    state: Type.Optional(Type.Enum(TASK_STATES)),
    agreement: Type.Optional(IdParams.properties.id),
  },
  closed,
);
const NoBody = Type.Object({}, { ...closed, default: {} });

export const taskRoutes: Routes = (app, context) => {
  const { tasks, books, idempotency, removal } = context;

  app.post(
    '/tasks',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'Submit a task: it is found a provider, run, billed and paid within its budget',
        headers: IdempotencyHeaders,
        body: TaskBody,
        response: answers({ 202: TaskView }),
      },
    },
    (request, reply) =>
      idempotency.once(request, reply, async (id) => {
        const task = await tasks.submit(request.body.taskId ?? id, await taskSpec(request.body, context));
        return { status: 202, location: `/v1/tasks/${task.taskId}`, body: await taskView(task, context) };
      }),
  );
  app.get(
    '/tasks',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Tasks of this node',
        querystring: ListQuery,
        response: answers({ 200: page(TaskView) }),
      },
    },
    async ({ query: { limit, after, ...where } }) => {
      const { items, next } = await books.tasks.list({ limit, after, where });
      const views = await Promise.all(items.map((task) => taskView(task, context)));
      return { items: views, ...(next !== undefined && { next }) };
    },
  );
  app.get(
    '/tasks/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'A task: state, progress, attempts, result and bill',
        params: IdParams,
        response: answers({ 200: TaskView }),
      },
    },
    async ({ params: { id } }) => taskView(found('task', id, await tasks.get(id)), context),
  );
  app.delete(
    '/tasks/:id',
    {
      // Whoever clears up removes one after the other, as many as there are.
      config: { scope: 'requestor', uncounted: true },
      schema: {
        summary:
          'Remove a task that is over and settled, its logs, and those of its files that nothing else names',
        params: IdParams,
        response: answers({ 200: RemovedView }),
      },
    },
    async ({ params: { id } }) => removal.task(id),
  );
  app.post(
    '/tasks/:id/cancel',
    {
      config: { scope: 'requestor' },
      schema: {
        summary: 'Cancel a task; what it has used so far is paid',
        params: IdParams,
        headers: IdempotencyHeaders,
        body: NoBody,
        response: answers({ 202: TaskView }),
      },
    },
    (request, reply) =>
      idempotency.once(request, reply, async () => {
        const { id } = request.params;
        found('task', id, await tasks.get(id));
        return { status: 202, body: await taskView(await tasks.cancel(id), context) };
      }),
  );
};
