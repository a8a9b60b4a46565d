import type { JsonValue } from '../../interface/index.ts';
import { emit } from '../books.ts';
import { isFinal } from '../machine.ts';
import { checkBatchAnswer, checkSnapshot, type Snapshot } from '../messages.ts';
import { activities, batches, batchKey, remotes, type Remote } from '../records.ts';
import { requestUntilAnswered, Refusal, type ProviderRequest } from './provider-request.ts';
import type { RequestorContext } from './context.ts';
import { SingleFlight } from './single-flight.ts';
import { endWithoutProvider } from './take.ts';

/** Stands for the end among the batches delivered; no batch id has a colon. */
const DESTROY = ':destroy';

/**
 * Brings what the books say is wanted to the provider: the activity itself, its scripts, its end. The caller that
 * noted the wish and the follower that repeats it after a restart join in one attempt.
 */
export class Delivery {
  readonly #context: RequestorContext;
  readonly #singleFlight = new SingleFlight();
  /**
   * What is known to be at the provider, by activity; after a restart it is sent once more, which changes nothing there.
   * Only of activities that are followed: an answer that comes after the end is of no use to anybody.
   */
  readonly #delivered = new Map<string, Set<string>>();

  constructor(context: RequestorContext) {
    this.#context = context;
  }

  /** From now on, and until `forget`, it remembers what it has delivered of the activity. */
  remember(activityId: string): void {
    this.#delivered.set(activityId, new Set());
  }

  /** Forgets what it knew of an ended activity. */
  forget(activityId: string): void {
    this.#delivered.delete(activityId);
  }

  /** Rejects with Refusal, after the activity was ended in the books. */
  create(activityId: string): Promise<void> {
    return this.#singleFlight.join(`create ${activityId}`, async () => {
      const remote = await this.#context.store.get(remotes, activityId);
      const record = await this.#context.store.get(activities, activityId);
      if (remote === undefined || record === undefined || remote.accepted || isFinal(record.state)) return;
      const { agreementId, limits } = record;
      const body = {
        activityId,
        agreementId,
        ...(record.package !== undefined && { package: record.package }),
        limits,
      };
      try {
        await this.#sendRequest(remote, { kind: 'create', body, check: checkSnapshot });
      } catch (error) {
        if (error instanceof Refusal) await this.#createRefused(activityId, error);
        throw error;
      }
      await this.#context.store.transact(async (tx) => {
        const now = await tx.get(remotes, activityId);
        if (now !== undefined) tx.put(remotes, activityId, { ...now, accepted: true });
      });
    });
  }

  /** Rejects with Refusal, after the batch was taken out of the books: nothing has happened. */
  exec(activityId: string, batchId: string): Promise<void> {
    const key = batchKey(activityId, batchId);
    return this.#singleFlight.join(`exec ${key}`, async () => {
      const { store } = this.#context;
      await this.create(activityId);
      const remote = await store.get(remotes, activityId);
      const batch = await store.get(batches, key);
      if (
        remote === undefined ||
        batch === undefined ||
        batch.finished ||
        this.#isDelivered(activityId, batchId)
      )
        return;
      // Optional members keep the compiler from seeing that a script is plain JSON.
      const script = batch.script as JsonValue[];
      const body = { activityId, batchId, script };
      try {
        await this.#sendRequest(remote, { kind: 'exec', body, check: checkBatchAnswer });
        this.#delivered.get(activityId)?.add(batchId);
      } catch (error) {
        if (error instanceof Refusal) await this.#execRefused(activityId, batchId, error);
        throw error;
      }
    });
  }

  destroy(activityId: string): Promise<void> {
    return this.#singleFlight.join(`destroy ${activityId}`, async () => {
      await this.create(activityId);
      const remote = await this.#context.store.get(remotes, activityId);
      if (remote?.destroy === undefined || this.#isDelivered(activityId, DESTROY)) return;
      const { reason } = remote.destroy;
      const body = { activityId, ...(reason !== undefined && { reason }) };
      await this.#sendRequest<Snapshot>(remote, { kind: 'destroy', body, check: checkSnapshot });
      this.#delivered.get(activityId)?.add(DESTROY);
    });
  }

  #isDelivered(activityId: string, what: string): boolean {
    return this.#delivered.get(activityId)?.has(what) === true;
  }

  #sendRequest<A>(remote: Remote, request: ProviderRequest<A>): Promise<A> {
    const { init, background } = this.#context;
    const until = remote.deadline + init.abandonAfterMs;
    return requestUntilAnswered(this.#context, remote, request, until, background.signal);
  }

  async #createRefused(activityId: string, refusal: Refusal): Promise<void> {
    const message = `The provider refused the activity: ${refusal.message}`.slice(0, 2048);
    const detail = { code: refusal.code };
    await endWithoutProvider(this.#context, activityId, { code: 'Error', message, detail });
  }

  async #execRefused(activityId: string, batchId: string, refusal: Refusal): Promise<void> {
    const { store, changes } = this.#context;
    await store.transact(async (tx) => {
      const record = await tx.get(activities, activityId);
      const remote = await tx.get(remotes, activityId);
      const batch = await tx.get(batches, batchKey(activityId, batchId));
      if (record === undefined || remote === undefined || batch === undefined || batch.finished) return;
      tx.delete(batches, batchKey(activityId, batchId));
      const openBatches = remote.openBatches.filter((id) => id !== batchId);
      tx.put(remotes, activityId, { ...remote, openBatches });
      emit(tx, record, 'batch.refused', { batchId, code: refusal.code, message: refusal.message });
    });
    changes.notify(activityId);
  }
}
