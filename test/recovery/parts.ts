import { delay } from '../../src/util/delay.ts';
import { systemClock } from '../../src/util/clock.ts';

export interface PartInit {
  readonly isUp: () => boolean;
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/** What is started again after it was killed, and may be killed again while it comes up. */
export class Part {
  readonly #init: PartInit;
  #coming: Promise<void> = Promise.resolve();

  constructor(init: PartInit) {
    this.#init = init;
  }

  async strike(startAfterMs: number): Promise<void> {
    await this.#init.kill();
    this.startLater(startAfterMs);
  }

  startLater(afterMs: number): void {
    this.#coming = this.#coming.then(async () => {
      await pause(afterMs);
      // Another blow may hit it on its way.
      if (!this.#init.isUp()) await this.#init.start().catch(() => undefined);
    });
  }

  /** Up at last. */
  async settled(): Promise<void> {
    await this.#coming;
    if (!this.#init.isUp()) await this.#init.start();
  }
}

export const pause = (ms: number): Promise<void> => delay(systemClock(), ms);
