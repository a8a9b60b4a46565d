import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';
import type { Store } from '../interface/store.ts';
import { silentLogger } from '../util/silent-logger.ts';
import { systemClock } from '../util/clock.ts';
import { Books } from './books.ts';
import { EMPTY_COMMIT, type CommitEntry } from './entries.ts';
import { memoryKv } from './kv/memory.ts';

/** The store's twin that keeps nothing beyond the process; it may be stopped and started again with its contents. */
export function memoryStore(components: { clock?: Clock; logger?: Logger } = {}): Store {
  let last: CommitEntry = EMPTY_COMMIT;
  return new Books({
    backend: {
      kv: memoryKv(),
      open: async () => last,
      close: () => Promise.resolve(),
      witness: (commit) => {
        last = commit;
      },
    },
    clock: components.clock ?? systemClock(),
    logger: components.logger ?? silentLogger,
  });
}
