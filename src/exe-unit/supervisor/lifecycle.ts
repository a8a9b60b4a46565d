import type { ActivityState, Holder } from '../../interface/activity.ts';
import type { Reason } from '../../interface/values.ts';
import {
  begin,
  commit,
  INITIAL_PAIR,
  isFinal,
  rollback,
  type ActivityCommand,
  type ActivityPair,
} from '../../activity/machine.ts';
import type { JournalWriter } from '../journal/writer.ts';

/** The activity's state: every change of it goes through here and into the journal. */
export class Lifecycle {
  readonly #journal: JournalWriter;
  #pair: ActivityPair = INITIAL_PAIR;
  #holds: readonly Holder[] = [];

  constructor(journal: JournalWriter) {
    this.#journal = journal;
  }

  get state(): ActivityState {
    return this.#pair.state;
  }

  /** Who holds the activity back. */
  get holds(): readonly Holder[] {
    return this.#holds;
  }

  /** Ended, or about to. */
  get ending(): boolean {
    return isFinal(this.#pair.pending ?? this.#pair.state);
  }

  /** Has the lock for `command` while `work` is done; the state, and who holds it, change only when that succeeds. */
  async during<T>(command: ActivityCommand, work: () => Promise<T>, holds?: readonly Holder[]): Promise<T> {
    this.#set(begin(this.#pair, command));
    try {
      const result = await work();
      if (this.ending) return result;
      if (holds !== undefined) this.#holds = holds;
      this.#set(commit(this.#pair));
      return result;
    } catch (error) {
      if (!this.ending) this.#set(rollback(this.#pair));
      throw error;
    }
  }

  /** A step that is no work: begun and done at once. Nothing when the activity is ending. */
  step(command: ActivityCommand): void {
    if (!this.ending) this.#set(commit(begin(this.#pair, command)));
  }

  setHolds(holds: readonly Holder[]): void {
    this.#holds = holds;
    this.#set(this.#pair);
  }

  beginEnd(state: 'Completed' | 'Terminated', reason: Reason | undefined): void {
    this.#set(begin(this.#pair, state === 'Completed' ? 'complete' : 'abort'), reason);
  }

  commitEnd(reason: Reason | undefined): void {
    this.#set(commit(this.#pair), reason);
  }

  #set(pair: ActivityPair, reason?: Reason): void {
    this.#journal.append({
      type: 'state',
      ...pair,
      ...(this.#holds.length === 0 || isFinal(pair.state) ? {} : { holds: [...this.#holds] }),
      ...(reason === undefined ? {} : { reason }),
    });
    this.#pair = pair;
  }
}
