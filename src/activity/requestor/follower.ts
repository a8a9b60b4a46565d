import { isFinal } from '../machine.ts';
import { checkUpdatesAnswer, MAX_WAIT_MS, type UpdatesAnswer } from '../messages.ts';
import { activities, remotes, type Remote } from '../records.ts';
import { sendRequest, Refusal } from './provider-request.ts';
import type { RequestorContext } from './context.ts';
import type { Delivery } from './delivery.ts';
import type { LogCopies } from './log-copy.ts';
import { Mirror } from './mirror.ts';
import { endWithoutProvider, noteUnreachable, takeUpdates } from './take.ts';

/** `ended`: the activity has ended, its logs may still be on their way. `closed`: there is nothing more to come. */
type Outcome = 'again' | 'ended' | 'closed';

const POLL_MS = MAX_WAIT_MS - 10_000;

export interface FollowerComponents {
  readonly context: RequestorContext;
  readonly delivery: Delivery;
  readonly copies: LogCopies;
}

/** Stays with each activity of this requestor until it has ended and its logs are here, over any absence and restart. */
export class Follower {
  readonly #context: RequestorContext;
  readonly #delivery: Delivery;
  readonly #copies: LogCopies;
  readonly #followed = new Set<string>();

  constructor({ context, delivery, copies }: FollowerComponents) {
    this.#context = context;
    this.#delivery = delivery;
    this.#copies = copies;
  }

  /** Idempotent. */
  follow(remote: Remote): void {
    const { background } = this.#context;
    const { activityId } = remote;
    if (this.#followed.has(activityId)) return;
    this.#followed.add(activityId);
    this.#delivery.remember(activityId);
    background.spawn(`activity ${activityId}`, async (signal) => {
      const over = new AbortController();
      const mirror = new Mirror(this.#context, this.#copies, remote);
      const both = AbortSignal.any([signal, over.signal]);
      const copying = mirror.run(both);
      let outcome: Outcome = 'again';
      await background.retrying({ activityId }, signal, async () => {
        outcome = await this.#turn(activityId, mirror, signal);
        return outcome !== 'again';
      });
      const ended = outcome === ('ended' as Outcome);
      if (!ended) over.abort();
      await copying;
      if (ended) await this.#noteLogsComplete(activityId, signal);
      this.#followed.delete(activityId);
      this.#delivery.forget(activityId);
    });
  }

  async #turn(activityId: string, mirror: Mirror, signal: AbortSignal): Promise<Outcome> {
    const { store, clock, init } = this.#context;
    const remote = await store.get(remotes, activityId);
    if (remote === undefined || remote.logsComplete) return 'closed';
    if (clock.now() >= remote.deadline + init.abandonAfterMs) {
      await this.#abandon(activityId, remote);
      return 'closed';
    }
    try {
      await this.#deliver(remote);
      return await this.#poll(remote, mirror, signal);
    } catch (error) {
      if (signal.aborted) return 'closed';
      if (error instanceof Refusal) return this.#refused(activityId, error);
      await noteUnreachable(this.#context, activityId);
      throw error;
    }
  }

  async #deliver(remote: Remote): Promise<void> {
    const { activityId } = remote;
    if (!remote.accepted) await this.#delivery.create(activityId);
    for (const batchId of remote.openBatches) {
      // What the provider refuses is out of the books by then, and the caller has been told.
      await this.#delivery.exec(activityId, batchId).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
      });
    }
    if (remote.destroy !== undefined) await this.#delivery.destroy(activityId);
  }

  async #poll(remote: Remote, mirror: Mirror, signal: AbortSignal): Promise<Outcome> {
    const { activityId } = remote;
    const record = await this.#context.store.get(activities, activityId);
    if (record === undefined) return 'closed';
    const ended = isFinal(record.state);
    const waitMs = ended || record.unreachableSince !== undefined ? 0 : POLL_MS;
    const body = { activityId, afterSeq: record.journalSeq, waitMs, ...mirror.seen };
    const request = { kind: 'updates', body, check: checkUpdatesAnswer, waitMs };
    const answer: UpdatesAnswer = await sendRequest(this.#context, remote, request, signal);
    const isOver = await takeUpdates(this.#context, activityId, answer);
    // "Final" counts once the end has been taken in: the figures are whole with it.
    const logsFinal = isOver && answer.logsFinal;
    mirror.learn({ ...answer, logsFinal });
    return logsFinal ? 'ended' : 'again';
  }

  async #refused(activityId: string, refusal: Refusal): Promise<Outcome> {
    const message = `The provider knows the activity no more: ${refusal.message}`.slice(0, 2048);
    await endWithoutProvider(this.#context, activityId, {
      code: 'Provider',
      message,
      detail: { code: refusal.code },
    });
    return 'closed';
  }

  async #abandon(activityId: string, { deadline }: Remote): Promise<void> {
    const message = 'The agreement has expired and the provider has not been heard of since';
    this.#context.logger.warn({ activityId, deadline }, 'an activity is given up');
    await endWithoutProvider(this.#context, activityId, { code: 'Expired', message, detail: { deadline } });
  }

  /** Not before the end was taken in: a copy may be done early, when the provider has the log no more. */
  async #noteLogsComplete(activityId: string, signal: AbortSignal): Promise<void> {
    const { store, changes, background } = this.#context;
    await background.retrying({ activityId }, signal, async () => {
      await store.transact(async (tx) => {
        const remote = await tx.get(remotes, activityId);
        if (remote !== undefined) tx.put(remotes, activityId, { ...remote, logsComplete: true });
      });
      return true;
    });
    changes.notify(activityId);
  }
}
