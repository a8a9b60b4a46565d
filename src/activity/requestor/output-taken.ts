import { checkSnapshot } from '../messages.ts';
import { remotes } from '../records.ts';
import { sendRequest } from './provider-request.ts';
import type { RequestorContext } from './context.ts';

/** Tells the provider, once, that an output is here. When it does not hear of it, it keeps the file, and that is all. */
export async function outputTaken(
  context: RequestorContext,
  activityId: string,
  hash: string,
): Promise<void> {
  const remote = await context.store.get(remotes, activityId);
  if (remote === undefined) return;
  const request = { kind: 'output-taken', body: { activityId, hash }, check: checkSnapshot };
  try {
    await sendRequest(context, remote, request, context.background.signal);
  } catch (error) {
    context.logger.debug({ activityId, hash, err: error }, 'the provider keeps an output that is here');
  }
}
