import type { ReapScope } from '../../interface/exe-unit-runtime.ts';
import type { Logger } from '../../interface/logger.ts';
import type { RuntimeRegistry } from '../registry.ts';

/**
 * Has each runtime remove what it left outside the work directories for activities that live no more. A runtime that
 * cannot be loaded, or cannot say now what is left of it, is passed over: it is asked again at the next turn.
 */
export async function reapLeftovers(
  scope: ReapScope,
  { runtimes, logger }: { readonly runtimes: RuntimeRegistry; readonly logger: Logger },
): Promise<void> {
  for (const { name } of runtimes.descriptors) {
    const runtime = await runtimes.load(name).catch(() => undefined);
    if (runtime?.reap === undefined) continue;
    try {
      const { removed } = await runtime.reap(scope);
      if (removed.length > 0) logger.warn({ runtime: name, removed }, 'removed what belonged to no activity');
    } catch (error) {
      logger.info({ runtime: name, err: error }, 'what is left over is not known now; asked again later');
    }
  }
}
