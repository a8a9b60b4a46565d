import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';
import { Accumulator } from './accumulator.ts';
import { BatchBuilder } from './batch-builder.ts';
import type { Draft } from './draft.ts';
import { encodeEntry } from './entry.ts';
import type { CommitEntry } from './entries.ts';
import { StoreError } from './errors.ts';
import { COMMIT_KEY, peerKey } from './keys.ts';
import type { Kv } from './kv/kv.ts';

/** More than this wait for the next batch, which keeps a batch and its latency small. */
const MAX_GROUP = 256;

export interface CommitterComponents {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of every commit after it is durable and before anyone else learns of it. */
  readonly witness: (commit: CommitEntry) => void;
  /** Called after every commit, with the peers that it has messages for. */
  readonly onCommit: (peers: readonly string[]) => void;
}

interface Waiting {
  readonly draft: Draft;
  readonly resolve: (committed: boolean) => void;
  readonly reject: (error: unknown) => void;
}

interface Plan {
  readonly builder: BatchBuilder;
  /** Those that read nothing that has changed. */
  readonly accepted: ReadonlySet<Draft>;
  /** Absent when there is nothing to write. */
  readonly commit: CommitEntry | undefined;
}

/** The only writer: puts the drafts that wait into one synced batch, one batch after the other. */
export class Committer {
  readonly #components: CommitterComponents;
  #last: CommitEntry;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #failure: StoreError | undefined;

  constructor(last: CommitEntry, components: CommitterComponents) {
    this.#last = last;
    this.#components = components;
  }

  get last(): CommitEntry {
    return this.#last;
  }

  /** Resolves when the draft is durable; to false, with nothing done, when something that it read has changed. */
  commit(draft: Draft): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ draft, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // Lets all that is ready in this turn join the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      // Whoever lost most often goes first, so nobody loses for ever.
      this.#queue.sort((a, b) => b.draft.attempt - a.draft.attempt);
      await this.#commitGroup(this.#queue.splice(0, MAX_GROUP));
    }
    this.#draining = undefined;
  }

  async #commitGroup(group: Waiting[]): Promise<void> {
    const rejectAll = (error: unknown): void => group.forEach((waiting) => waiting.reject(error));
    if (this.#failure !== undefined) {
      rejectAll(this.#failure);
      return;
    }
    let build: Plan;
    try {
      build = await this.#build(group);
    } catch (error) {
      rejectAll(error);
      return;
    }
    if (build.commit !== undefined) {
      try {
        await this.#write(build.builder, build.commit);
      } catch (cause) {
        this.#failure = new StoreError(
          'ERR_STORE_FAILED',
          'Writing the books failed; mend the disk and restart the daemon',
          { commit: build.commit.number },
          { cause },
        );
        this.#components.logger.error({ err: cause, commit: build.commit.number }, 'store write failed');
        rejectAll(this.#failure);
        return;
      }
    }
    for (const { resolve, draft } of group) resolve(build.accepted.has(draft));
    if (build.commit !== undefined) this.#announce([...build.builder.peers]);
  }

  #announce(peers: string[]): void {
    try {
      this.#components.onCommit(peers);
    } catch (err) {
      this.#components.logger.error({ err }, 'a listener of the store threw');
    }
  }

  /** Plans the batch; writes nothing. */
  async #build(group: Waiting[]): Promise<Plan> {
    const at = this.#components.clock.now();
    const number = this.#last.number + 1;
    const totals = new Accumulator(this.#last);
    const current = await this.#currentOf(group.map((waiting) => waiting.draft));
    const builder = new BatchBuilder({ current, commit: number, at, events: this.#last.events, totals });
    const accepted = new Set<Draft>();
    for (const { draft } of group) {
      if (!builder.stands(draft)) continue;
      builder.apply(draft);
      accepted.add(draft);
    }
    const commit =
      builder.writes.size === 0 ? undefined : { number, at, events: builder.events, ...totals.totals };
    return { builder, accepted, commit };
  }

  async #currentOf(drafts: Draft[]): Promise<Map<string, string | undefined>> {
    const keys = new Set<string>();
    for (const draft of drafts) {
      for (const key of draft.reads.keys()) keys.add(key);
      for (const message of draft.messages) keys.add(peerKey(message.peerId));
    }
    const names = [...keys];
    const raws = await this.#components.kv.getMany(names);
    return new Map(names.map((key, at) => [key, raws[at]]));
  }

  async #write(builder: BatchBuilder, commit: CommitEntry): Promise<void> {
    // The commit record describes all other entries, so it is not counted among them.
    builder.writes.set(COMMIT_KEY, encodeEntry(COMMIT_KEY, JSON.stringify(commit)));
    await this.#components.kv.write(builder.writes);
    this.#components.witness(commit);
    this.#last = commit;
  }
}
