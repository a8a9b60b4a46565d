import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';

const RETRY_MS = 5_000;

/** Named points in time at which work is due. What has to survive a restart is armed anew from the books. */
export class Timers {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #cancels = new Map<string, () => void>();
  readonly #running = new Set<Promise<void>>();
  #stopped = true;

  constructor(components: { clock: Clock; logger: Logger }) {
    this.#clock = components.clock;
    this.#logger = components.logger;
  }

  start(): void {
    this.#stopped = false;
  }

  /** Runs `work` at `at` (ms epoch), or now when that is past. A failure is logged and tried again. */
  arm(name: string, at: number, work: () => Promise<void>): void {
    if (this.#stopped) return;
    this.#cancels.get(name)?.();
    const cancel = this.#clock.setTimer(
      () => {
        this.#cancels.delete(name);
        this.#run(name, work);
      },
      Math.max(0, at - this.#clock.now()),
    );
    this.#cancels.set(name, cancel);
  }

  disarm(name: string): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }

  /** Cancels what waits, awaits what runs. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  #run(name: string, work: () => Promise<void>): void {
    const running = work()
      .catch((error: unknown) => {
        this.#logger.error({ err: error, timer: name }, 'due work failed and will be tried again');
        this.arm(name, this.#clock.now() + RETRY_MS, work);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}
