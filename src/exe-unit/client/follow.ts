import type { Clock } from '../../interface/clock.ts';
import type { JournalRecord } from '../../interface/exe-unit.ts';
import { isFinal } from '../../activity/machine.ts';
import { delay } from '../../util/delay.ts';
import { JournalTail } from '../journal/tail.ts';
import { workPaths } from '../paths.ts';
import { watch } from './connection.ts';
import { supervisorStatus } from './status.ts';

const RETRY_MS = 500;

/** Whether this is the last record of a journal. */
export function isEnd(record: JournalRecord): boolean {
  return record.type === 'state' && isFinal(record.state);
}

/** The journal after `afterSeq`: from the file, which is the truth; the socket only says when to look again. */
export async function* followJournal(
  directory: string,
  afterSeq: number,
  signal: AbortSignal,
  clock: Clock,
): AsyncGenerator<JournalRecord> {
  const tail = new JournalTail(workPaths(directory).journal);
  const stopped = (): boolean => signal.aborted;
  for (let gone = false; !signal.aborted;) {
    // Listening begins before reading, so that nothing falls between the two.
    await using progress = gone ? undefined : new JournalProgress(directory, signal);
    do {
      for await (const record of tail.read()) {
        if (stopped()) return;
        if (record.seq > afterSeq) yield record;
        if (isEnd(record)) return;
      }
    } while ((await progress?.grownBeyond(tail.position.seq)) === true);
    // All that a dead supervisor wrote has been read since its death was known.
    if (gone) return;
    gone = (await supervisorStatus(directory, clock)) === 'gone';
    if (!gone) await delay(clock, RETRY_MS, signal).catch(() => undefined);
  }
}

/** Hears from the supervisor how far the journal has got. */
class JournalProgress implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  #seq = 0;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(directory: string, signal: AbortSignal) {
    const stop = AbortSignal.any([signal, this.#stop.signal]);
    this.#watching = watch(directory, (seq) => this.#advance(seq), stop)
      .catch(() => undefined)
      .finally(() => {
        this.#closed = true;
        this.#wake();
      });
  }

  /** True when there is more than `seq`; false when nobody will say so any more. */
  async grownBeyond(seq: number): Promise<boolean> {
    while (this.#seq <= seq) {
      if (this.#closed) return false;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  #advance(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
    this.#wake();
  }
}
