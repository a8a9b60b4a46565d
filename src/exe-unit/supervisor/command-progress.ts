import type { Clock } from '../../interface/clock.ts';
import type { JournalWriter } from '../journal/writer.ts';

const DEFAULT_INTERVAL_MS = 1000;
/** However often somebody wants to hear of it, the journal keeps all of it. */
const MIN_INTERVAL_MS = 200;

/** Notes in the journal how far a command is, now and then; nothing of one that takes no time. */
export class CommandProgress {
  readonly #command: { readonly batchId: string; readonly index: number };
  readonly #journal: Pick<JournalWriter, 'append'>;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #notedAt: number;

  constructor(
    init: { readonly batchId: string; readonly index: number; readonly intervalMs: number | undefined },
    { clock, journal }: { readonly clock: Clock; readonly journal: Pick<JournalWriter, 'append'> },
  ) {
    this.#command = { batchId: init.batchId, index: init.index };
    this.#intervalMs = Math.max(MIN_INTERVAL_MS, init.intervalMs ?? DEFAULT_INTERVAL_MS);
    this.#clock = clock;
    this.#journal = journal;
    this.#notedAt = this.#now();
  }

  report(done: number, total: number | undefined, message: string): void {
    const now = this.#now();
    if (now - this.#notedAt < this.#intervalMs) return;
    this.#notedAt = now;
    this.#journal.append({
      type: 'progress',
      ...this.#command,
      done,
      ...(total === undefined ? {} : { total }),
      message,
    });
  }

  #now(): number {
    return Number(this.#clock.monotonicNs() / 1_000_000n);
  }
}
