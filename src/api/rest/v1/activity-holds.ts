import { Type } from 'typebox';
import { ActivityRecord, type ActivityHolding } from '../../../interface/index.ts';
import { expectScope } from '../../auth.ts';
import { IdempotencyHeaders } from '../../idempotency.ts';
import type { Routes } from '../../route.ts';
import { answers, closed, IdParams } from '../../schemas/common.ts';
import { found } from '../found.ts';

const NoBody = Type.Object({}, { ...closed, default: {} });

const WORDS = {
  suspend: 'Freeze a running activity, and its meter, until it is resumed; as its requestor or its provider',
  resume: 'Let a suspended activity go on, as far as this party held it',
} as const;

/** Either role may, of its own activities: the app-key needs the scope of this node's role in the activity. */
export const activityHoldRoutes: Routes = (app, { books, holding, idempotency }) => {
  for (const [name, summary] of Object.entries(WORDS)) {
    app.post(
      `/activities/:id/${name}`,
      {
        config: { scope: 'read' },
        schema: {
          summary,
          params: IdParams,
          headers: IdempotencyHeaders,
          body: NoBody,
          response: answers({ 200: ActivityRecord }),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { role } = found('activity', id, await books.activities.get(id));
        expectScope(request.caller, role);
        const side: ActivityHolding = found('activity', id, holding[role]);
        return idempotency.once(request, reply, async () => ({
          status: 200,
          body: await (name === 'suspend' ? side.suspend(id) : side.resume(id)),
        }));
      },
    );
  }
};
