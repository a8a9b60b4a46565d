import type { Reason } from '../../interface/index.ts';
import { isFinal } from '../machine.ts';
import { activities, occupancies, supervisions, type Supervision } from '../records.ts';
import type { ProviderContext } from './context.ts';

const UNKNOWN: Reason = { code: 'Provider', message: 'The books of this node know no such activity' };

/** Removes the work directories that nobody needs any more, and those that nobody owns. */
export class WorkDirectoryReaper {
  readonly #context: ProviderContext;
  /** When a directory without an owner was first seen. In memory: after a restart its grace begins anew. */
  readonly #orphans = new Map<string, number>();

  constructor(context: ProviderContext) {
    this.#context = context;
  }

  async sweep(): Promise<void> {
    await this.#disposeEnded();
    await this.#reapOrphans();
  }

  async #disposeEnded(): Promise<void> {
    const { store, clock, init } = this.#context;
    const ended = await store.list(supervisions, { where: { index: 'undisposed', equals: 'yes' } });
    for (const { value } of ended) {
      const neededUntil = await this.#neededSince(value);
      if (neededUntil !== undefined && clock.now() >= neededUntil + init.retentionMs) {
        await this.#dispose(value.activityId);
      }
    }
  }

  /** When the last of activity and agreement ended; undefined while one of them lives. */
  async #neededSince({ endedAt, spec }: Supervision): Promise<number | undefined> {
    const occupancy = await this.#context.store.get(occupancies, spec.agreementId);
    if (endedAt === undefined || occupancy?.closedAt === undefined) return undefined;
    return Math.max(endedAt, occupancy.closedAt);
  }

  async #dispose(activityId: string): Promise<void> {
    const { store, exeUnits } = this.#context;
    await exeUnits.dispose(activityId);
    await store.transact(async (tx) => {
      const supervision = await tx.get(supervisions, activityId);
      if (supervision !== undefined) tx.put(supervisions, activityId, { ...supervision, disposed: true });
    });
  }

  async #reapOrphans(): Promise<void> {
    const { exeUnits, clock, init, logger } = this.#context;
    const found = await exeUnits.list();
    for (const known of this.#orphans.keys()) if (!found.includes(known)) this.#orphans.delete(known);
    for (const activityId of found) {
      if (await this.#isOwned(activityId)) {
        this.#orphans.delete(activityId);
        continue;
      }
      const since = this.#orphans.get(activityId) ?? clock.now();
      this.#orphans.set(activityId, since);
      if (clock.now() < since + init.orphanGraceMs) continue;
      await this.#reap(activityId).catch((error: unknown) => {
        logger.warn({ activityId, err: error }, 'a stray work directory could not be removed; trying again');
      });
    }
  }

  async #isOwned(activityId: string): Promise<boolean> {
    const { store } = this.#context;
    const supervision = await store.get(supervisions, activityId);
    if (supervision !== undefined) {
      const record = await store.get(activities, activityId);
      return record !== undefined && !(isFinal(record.state) && supervision.disposed);
    }
    return false;
  }

  /** Its workload is killed first; one whose supervisor does not answer stays until it does. */
  async #reap(activityId: string): Promise<void> {
    const { exeUnits, logger } = this.#context;
    const status = await exeUnits.status(activityId);
    if (status === 'unknown') return;
    if (status === 'alive') await exeUnits.end(activityId, 'Terminated', UNKNOWN);
    else await exeUnits.close(activityId, UNKNOWN);
    await exeUnits.dispose(activityId);
    logger.warn({ activityId }, 'a work directory that the books do not know was removed');
    this.#orphans.delete(activityId);
  }
}
