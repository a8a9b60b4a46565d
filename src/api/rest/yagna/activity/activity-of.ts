import type { ActivityRecord } from '../../../../interface/index.ts';
import { notFound } from '../errors.ts';
import type { YagnaContext } from '../init.ts';
import { isId } from '../is-id.ts';

/** An activity of either role. @throws YagnaError */
export async function activityOf(
  { context }: { readonly context: Pick<YagnaContext, 'books'> },
  activityId: string,
): Promise<ActivityRecord> {
  const record = isId(activityId) ? await context.books.activities.get(activityId) : undefined;
  if (record === undefined) throw notFound('activity', activityId);
  return record;
}
