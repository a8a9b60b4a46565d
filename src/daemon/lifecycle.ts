import type { Logger, Startable } from '../interface/index.ts';

/** A part of the daemon under the name that logs and errors call it by. */
export interface Part {
  readonly name: string;
  readonly part: Startable;
}

/**
 * Starts the parts in order and stops them in reverse. When a start fails, what had started is stopped again before
 * the error goes on. `stop` is idempotent, and a part that fails to stop does not keep the others running.
 */
export function lifecycle(parts: readonly Part[], components: { logger: Logger }): Startable {
  const { logger } = components;
  const started: Part[] = [];
  let stopping: Promise<void> | undefined;

  async function stopStarted(): Promise<void> {
    for (let each = started.pop(); each !== undefined; each = started.pop()) {
      try {
        await each.part.stop();
      } catch (error) {
        logger.error({ part: each.name, error }, 'a part failed to stop');
      }
    }
  }

  return {
    async start() {
      for (const each of parts) {
        try {
          await each.part.start();
        } catch (error) {
          logger.error({ part: each.name, error }, 'a part failed to start');
          await stopStarted();
          throw error;
        }
        started.push(each);
        logger.debug({ part: each.name }, 'started');
      }
    },
    stop() {
      stopping ??= stopStarted();
      return stopping;
    },
  };
}
