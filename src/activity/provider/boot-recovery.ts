import { Type, type Static } from 'typebox';
import { Id, type Bucket, type Reason } from '../../interface/index.ts';
import { checker } from '../../util/check.ts';
import { emit } from '../books.ts';
import { isFinal } from '../machine.ts';
import { activities } from '../records.ts';
import type { ProviderContext } from './context.ts';
import { endWithoutJournal } from './journal.ts';
import type { Reconciler } from './reconciler.ts';

const BootAttempts = Type.Object(
  { activityId: Id, attempts: Type.Integer({ minimum: 1, maximum: 1_000_000 }) },
  { additionalProperties: false },
);
type BootAttempts = Static<typeof BootAttempts>;

/** Provider: starts of the daemon that took an activity up and did not last, in a row; by activityId. */
const bootAttempts: Bucket<BootAttempts> = {
  name: 'boot-attempts',
  check: checker(BootAttempts, 'boot attempts'),
};

/** A daemon that has had an activity in its hands for so long was not killed by taking it up. */
const WELL_AFTER_MS = 5_000;
/** With so many failed starts an activity is a suspect, and is taken up alone. */
const SUSPECT_AFTER = 2;

/**
 * Takes up the live activities of a daemon that starts, and keeps one that kills the daemon each time from doing so for
 * ever. Each start is counted, durably and before the activity is touched, and forgotten once the daemon has lasted.
 * Suspects are tried one by one, so that of several only the guilty one is counted on; at the bound it is quarantined:
 * ended through its supervisor and in the books, unread, with what was taken in of it before.
 */
export class BootRecovery {
  readonly #context: ProviderContext;
  readonly #reconciler: Reconciler;
  /** Not to be touched yet, whoever asks. */
  readonly #waiting = new Set<string>();

  constructor(context: ProviderContext, reconciler: Reconciler) {
    this.#context = context;
    this.#reconciler = reconciler;
  }

  /** Reconciles it, unless it is a suspect that waits for its turn. */
  reconcile(activityId: string): void {
    if (!this.#waiting.has(activityId)) this.#reconciler.reconcile(activityId);
  }

  async begin(activityIds: readonly string[]): Promise<void> {
    const { background, store } = this.#context;
    const known = (await store.list(bootAttempts)).map(({ id }) => id);
    await this.#forget(known.filter((activityId) => !activityIds.includes(activityId)));
    const suspects: string[] = [];
    for (const activityId of activityIds) {
      if ((await this.#attemptsOf(activityId)) < SUSPECT_AFTER) continue;
      suspects.push(activityId);
      this.#waiting.add(activityId);
    }
    const others = activityIds.filter((activityId) => !this.#waiting.has(activityId));
    await this.#count(others);
    for (const activityId of others) this.#reconciler.reconcile(activityId);
    background.spawn('boot attempts', async (signal) => {
      await background.pause(WELL_AFTER_MS, signal);
      if (!signal.aborted) await this.#forget(others);
    });
    if (suspects.length > 0) background.spawn('suspects', (signal) => this.#tryAll(suspects, signal));
  }

  /** A node that is stopped in order has outlived all that it had taken up. */
  async end(): Promise<void> {
    const { store, logger } = this.#context;
    try {
      const counted = (await store.list(bootAttempts)).map(({ id }) => id);
      await this.#forget(counted.filter((activityId) => !this.#waiting.has(activityId)));
    } catch (error) {
      logger.warn({ err: error }, 'the attempts at starting were not forgotten; they count once more');
    }
  }

  async #tryAll(suspects: readonly string[], signal: AbortSignal): Promise<void> {
    const { background, init, logger } = this.#context;
    const isOver = (): boolean => signal.aborted;
    for (const activityId of suspects) {
      if (isOver()) return;
      const attempts = await this.#attemptsOf(activityId);
      const isGuilty = init.quarantineAfterBoots > 0 && attempts >= init.quarantineAfterBoots;
      logger.warn({ activityId, attempts }, 'the daemon has not outlived taking this activity up; alone now');
      await this.#count([activityId]);
      if (isGuilty) {
        await background.retrying({ activityId }, signal, () => this.#quarantine(activityId, attempts));
        continue;
      }
      this.#waiting.delete(activityId);
      this.#reconciler.reconcile(activityId);
      await background.pause(WELL_AFTER_MS, signal);
      if (!isOver()) await this.#forget([activityId]);
    }
  }

  /** Nothing of it is read any more, neither its journal nor what its supervisor says. */
  async #quarantine(activityId: string, attempts: number): Promise<boolean> {
    const { exeUnits, agreements, store, logger } = this.#context;
    const record = await store.get(activities, activityId);
    if (record === undefined || isFinal(record.state)) return true;
    const message = `The provider's daemon went down ${attempts} times in a row when it took this activity up`;
    const reason: Reason = { code: 'Quarantined', message, detail: { attempts } };
    await store.transact(async (tx) => emit(tx, record, 'activity.quarantined', { attempts }));
    await exeUnits.end(activityId, 'Terminated', reason).catch((error: unknown) => {
      logger.error({ activityId, err: error }, 'the supervisor of a quarantined activity did not end it');
    });
    await endWithoutJournal(this.#context, activityId, reason);
    await this.#forget([activityId]);
    logger.error({ activityId, attempts }, 'an activity is quarantined');
    // It would only be created again.
    await agreements.terminate(record.agreementId, reason).catch((error: unknown) => {
      logger.warn({ activityId, err: error }, 'the agreement of a quarantined activity was not terminated');
    });
    return true;
  }

  async #attemptsOf(activityId: string): Promise<number> {
    return (await this.#context.store.get(bootAttempts, activityId))?.attempts ?? 0;
  }

  async #count(activityIds: readonly string[]): Promise<void> {
    if (activityIds.length === 0) return;
    await this.#context.store.transact(async (tx) => {
      for (const activityId of activityIds) {
        const attempts = ((await tx.get(bootAttempts, activityId))?.attempts ?? 0) + 1;
        tx.put(bootAttempts, activityId, { activityId, attempts });
      }
    });
  }

  async #forget(activityIds: readonly string[]): Promise<void> {
    await this.#context.store.transact(async (tx) => {
      for (const activityId of activityIds) {
        if ((await tx.get(bootAttempts, activityId)) !== undefined) tx.delete(bootAttempts, activityId);
      }
    });
  }
}
