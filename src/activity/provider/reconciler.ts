import { isErgonError, type Batch, type Reason } from '../../interface/index.ts';
import { isFinal } from '../machine.ts';
import { activities, batches, batchKey, supervisions } from '../records.ts';
import type { ProviderContext } from './context.ts';
import { alignHolds } from './holding.ts';
import { endWithoutJournal, foldJournal } from './journal.ts';
import { logSizes, type LogSizes } from './logs.ts';
import { requestEnd } from './occupancy.ts';
import { pull } from './pull.ts';

const LOST: Reason = {
  code: 'SupervisorLost',
  message: 'The supervisor of the activity ended without a word; what it had written down counts',
};
const GONE: Reason = {
  code: 'SupervisorLost',
  message: 'The work directory of the activity is gone, and its journal with it',
};
/** A create that fails this often, with nothing to show for it, ends the activity. */
const MAX_CREATES = 5;
/** Stands for the end among the batches handed over; no batch id has a colon. */
const END = ':end';
const CANCEL = ':cancel:';
const ASK_AGAIN_MS = 1_000;

/**
 * Stays with each live activity: has its supervisor made, takes its journal into the books, and hands it what the
 * books say is still to be done. All of it can be repeated, so a restarted daemon begins anew from the books.
 */
export class Reconciler {
  readonly #context: ProviderContext;
  readonly #reconciled = new Set<string>();

  constructor(context: ProviderContext) {
    this.#context = context;
  }

  /** Idempotent; ends by itself when the activity has ended. */
  reconcile(activityId: string): void {
    const { background } = this.#context;
    if (this.#reconciled.has(activityId)) return;
    this.#reconciled.add(activityId);
    background.spawn(`activity ${activityId}`, async (signal) => {
      const ended = new AbortController();
      const both = AbortSignal.any([signal, ended.signal]);
      const others = [this.#carryOut(activityId, both), this.#pull(activityId, both)];
      await this.#follow(activityId, signal);
      ended.abort();
      await Promise.all(others);
      this.#reconciled.delete(activityId);
    });
  }

  /** Supervisor → books. */
  async #follow(activityId: string, signal: AbortSignal): Promise<void> {
    const { background } = this.#context;
    let creates = 0;
    await background.retrying({ activityId }, signal, async () => {
      const state = await this.#stateOf(activityId);
      if (state === undefined) return true;
      if (state.journalSeq === 0) {
        if (state.supervision.end !== undefined && !(await this.#hasWorkDir(activityId))) {
          const { reason } = state.supervision.end;
          await endWithoutJournal(this.#context, activityId, reason ?? LOST);
          return true;
        }
        creates += 1;
        await this.#create(activityId, creates);
      } else if (!(await this.#hasWorkDir(activityId))) {
        await endWithoutJournal(this.#context, activityId, GONE);
        return true;
      }
      const ended = await this.#readOn(activityId, signal).catch(async (error: unknown) => {
        if (!isErgonError(error, 'ERR_EXE_UNIT_JOURNAL_DAMAGED')) throw error;
        await this.#endUnread(activityId, error.message);
        return true;
      });
      if (!ended) await this.#checkSupervisor(activityId, signal);
      return ended;
    });
  }

  async #create(activityId: string, attempt: number): Promise<void> {
    const { exeUnits, store } = this.#context;
    const supervision = await store.get(supervisions, activityId);
    if (supervision === undefined) return;
    try {
      await exeUnits.create(supervision.spec);
    } catch (error) {
      const lives = (await this.#hasWorkDir(activityId)) && (await exeUnits.status(activityId)) !== 'gone';
      if (attempt < MAX_CREATES || lives) throw error;
      const message = `The supervisor could not be started: ${error instanceof Error ? error.message : 'unknown'}`;
      await endWithoutJournal(this.#context, activityId, { code: 'Error', message: message.slice(0, 2048) });
    }
  }

  /** Folds the journal until it pauses; true when the activity has ended. */
  async #readOn(activityId: string, signal: AbortSignal): Promise<boolean> {
    const { exeUnits } = this.#context;
    const from = await this.#stateOf(activityId);
    if (from === undefined) return true;
    for await (const line of exeUnits.follow(activityId, from.journalSeq, signal)) {
      await foldJournal(this.#context, activityId, line, await this.#logSizes(activityId));
    }
    return (await this.#stateOf(activityId)) === undefined;
  }

  /** Nothing after the damage can be believed, so what was taken in before it is what counts. */
  async #endUnread(activityId: string, why: string): Promise<void> {
    const { exeUnits, logger } = this.#context;
    const message = `The journal of the activity is damaged: ${why}`.slice(0, 2048);
    const reason = { code: 'SupervisorLost', message };
    await exeUnits.end(activityId, 'Terminated', reason).catch((error: unknown) => {
      logger.error(
        { activityId, err: error },
        'an activity with a damaged journal may still run; end it by hand',
      );
    });
    await endWithoutJournal(this.#context, activityId, reason);
  }

  /** The journal has paused without an end: is the supervisor gone? *Unknown* waits. */
  async #checkSupervisor(activityId: string, signal: AbortSignal): Promise<void> {
    const { exeUnits, background } = this.#context;
    const status = await exeUnits.status(activityId);
    signal.throwIfAborted();
    if (status === 'gone') {
      const wanted = (await this.#stateOf(activityId))?.supervision.end;
      await exeUnits.close(activityId, wanted?.reason ?? LOST);
      return;
    }
    if (status === 'unknown') await this.#noteUnreachable(activityId);
    await background.pause(ASK_AGAIN_MS, signal);
  }

  async #noteUnreachable(activityId: string): Promise<void> {
    const { store, clock, changes } = this.#context;
    await store.transact(async (tx) => {
      const record = await tx.get(activities, activityId);
      if (record === undefined || isFinal(record.state) || record.unreachableSince !== undefined) return;
      tx.put(activities, activityId, { ...record, unreachableSince: clock.now() });
    });
    changes.notify(activityId);
  }

  /** Books → supervisor: scripts and the wish for an end. */
  async #carryOut(activityId: string, signal: AbortSignal): Promise<void> {
    const { background, changes, clock, exeUnits, store } = this.#context;
    const subscription = changes.subscribe(activityId);
    const handed = new Set<string>();
    await background.retrying({ activityId }, signal, async () => {
      const state = await this.#stateOf(activityId);
      if (state === undefined) return true;
      // Before its first journal line there is no supervisor to hand anything to.
      if (state.journalSeq > 0) {
        const { end, openBatches } = state.supervision;
        if (end !== undefined && !handed.has(END)) {
          await exeUnits.end(activityId, end.state, end.reason);
          handed.add(END);
        }
        // Before a script is handed over: it must not begin on a node that is paused.
        if (end === undefined) await alignHolds(this.#context, activityId);
        for (const batchId of end === undefined ? openBatches.filter((id) => !handed.has(id)) : []) {
          const batch = await store.get(batches, batchKey(activityId, batchId));
          if (batch !== undefined) await this.#hand(batch);
          handed.add(batchId);
        }
        await this.#cancel(activityId, handed);
      }
      await subscription.next(clock, signal);
      return false;
    });
    subscription.close();
  }

  async #cancel(activityId: string, handed: Set<string>): Promise<void> {
    const batchId = (await this.#stateOf(activityId))?.supervision.cancel;
    // One that came meanwhile is handed over in the next turn.
    if (batchId === undefined || !handed.has(batchId) || handed.has(`${CANCEL}${batchId}`)) return;
    await this.#context.exeUnits.cancelBatch(activityId, batchId);
    handed.add(`${CANCEL}${batchId}`);
  }

  async #hand({ activityId, batchId, script }: Batch): Promise<void> {
    try {
      await this.#context.exeUnits.exec(activityId, batchId, script);
    } catch (error) {
      // It is ending: its journal will say how, and end the batch with it.
      if (isErgonError(error, 'ERR_EXE_UNIT_ENDED')) return;
      if (!isErgonError(error, 'ERR_EXE_UNIT_CONFLICT', 'ERR_EXE_UNIT_PROTOCOL')) throw error;
      const message = `The script could not be handed to the supervisor: ${error.message}`.slice(0, 2048);
      await this.#giveUp(activityId, { code: 'Error', message });
    }
  }

  /** Ends an activity that cannot go on, through its supervisor. */
  async #giveUp(activityId: string, reason: Reason): Promise<void> {
    const { store, changes, logger } = this.#context;
    logger.error({ activityId, reason }, 'an activity cannot go on');
    await store.transact(async (tx) => {
      const record = await tx.get(activities, activityId);
      const supervision = await tx.get(supervisions, activityId);
      if (record === undefined || supervision === undefined) return;
      requestEnd(tx, record, supervision, { state: 'Terminated', reason });
    });
    changes.notify(activityId);
  }

  /** Requestor → supervisor: the blobs that its commands wait for. */
  async #pull(activityId: string, signal: AbortSignal): Promise<void> {
    const { background, changes, clock } = this.#context;
    const subscription = changes.subscribe(activityId);
    await background.retrying({ activityId }, signal, async () => {
      const need = (await this.#stateOf(activityId))?.supervision.needs[0];
      if (need !== undefined) await pull(this.#context, activityId, need, signal);
      else await subscription.next(clock, signal);
      return false;
    });
    subscription.close();
  }

  async #hasWorkDir(activityId: string): Promise<boolean> {
    return (await this.#context.exeUnits.list()).includes(activityId);
  }

  async #logSizes(activityId: string): Promise<LogSizes> {
    return logSizes(this.#context, activityId).catch(() => ({ stdoutBytes: 0, stderrBytes: 0 }));
  }

  /** Undefined once the activity has ended. */
  async #stateOf(activityId: string) {
    const { store } = this.#context;
    const record = await store.get(activities, activityId);
    const supervision = await store.get(supervisions, activityId);
    if (record === undefined || supervision === undefined || isFinal(record.state)) return undefined;
    return { journalSeq: record.journalSeq, supervision };
  }
}
