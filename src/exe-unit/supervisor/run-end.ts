import type { RunningCommand } from '../../interface/exe-unit-runtime.ts';
import type { Reason } from '../../interface/values.ts';
import type { BatchContext } from './context.ts';

/** How long a killed command may take to die before the whole activity is ended for it. */
const PATIENCE_MS = 30_000;

/** The end of one running command alone, at its timeout or when its batch is canceled; the activity outlives it. */
export class RunEnd implements Disposable {
  readonly #context: BatchContext;
  readonly #running: RunningCommand;
  readonly #onCancel: () => void;
  #reason: Reason | undefined;
  #isOver = false;
  #cancelTimer: () => void = () => undefined;

  constructor(context: BatchContext, running: RunningCommand) {
    this.#context = context;
    this.#running = running;
    const { stop } = context;
    this.#onCancel = () => {
      if (stop.reason !== undefined) this.kill(stop.reason);
    };
    stop.canceled.addEventListener('abort', this.#onCancel);
  }

  /** Why the command was killed, if it was. */
  get reason(): Reason | undefined {
    return this.#reason;
  }

  /** The first reason counts. */
  kill(why: Reason): void {
    if (this.#reason !== undefined) return;
    this.#reason = why;
    const { clock, onLimit } = this.#context;
    this.#cancelTimer = clock.setTimer(() => onLimit(why), PATIENCE_MS);
    void this.#kill();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#context.stop.canceled.removeEventListener('abort', this.#onCancel);
  }

  async #kill(): Promise<void> {
    const { suspension, logger } = this.#context;
    try {
      await this.#running.signal('SIGKILL');
    } catch (error) {
      logger.warn({ error: String(error) }, 'the command could not be killed');
    }
    // Another command may run, and be frozen, by now.
    if (!this.#isOver) await suspension.killed();
  }
}
