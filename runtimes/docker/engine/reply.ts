import type { Clock } from '../../../src/interface/clock.ts';
import { errorMessage } from '../../../src/util/error-message.ts';
import { unreachable, type CallOptions } from './call.ts';

/**
 * A reply's bytes, as long as they come within the time for all of them.
 * @throws RuntimeError ERR_RUNTIME_ENGINE_UNREACHABLE when they do not come to their end
 */
export async function* readReply(
  clock: Clock,
  { what, timeoutMs }: Pick<CallOptions, 'what' | 'timeoutMs'>,
  reply: NodeJS.ReadableStream & { destroy?(error?: Error): void },
): AsyncGenerator<Uint8Array> {
  const cancel = clock.setTimer(
    () => reply.destroy?.(new Error(`no end of its answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    for await (const chunk of reply) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (error) {
    throw unreachable(what, errorMessage(error), error);
  } finally {
    cancel();
  }
}
