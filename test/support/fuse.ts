import type { ExeUnits, Store } from '../../src/interface/index.ts';
import type { Between } from './activity-world.ts';

export interface FusePlan {
  /** Calls that pass before it blows. */
  readonly calls: number;
  /** Whether the call that blows it still has its effect: killed after, not before. */
  readonly after: boolean;
}

/** Kills a service at one of its calls to the outside: from then on nothing that it tries has any effect. */
export class Fuse implements Between {
  blown = false;
  #left: number;
  readonly #after: boolean;

  constructor({ calls, after }: FusePlan) {
    this.#left = calls;
    this.#after = after;
  }

  async through<T>(work: () => Promise<T>): Promise<T> {
    this.#check();
    this.#left -= 1;
    if (this.#left < 0 && !this.#after) this.#blow();
    const result = await work();
    if (this.#left < 0) this.#blow();
    return result;
  }

  store(inner: Store): Store {
    const { events } = inner;
    return {
      start: () => inner.start(),
      stop: () => inner.stop(),
      outbox: inner.outbox,
      get: (bucket, id) => this.through(() => inner.get(bucket, id)),
      list: (bucket, options) => this.through(() => inner.list(bucket, options)),
      count: (bucket, where, atMost) => this.through(() => inner.count(bucket, where, atMost)),
      transact: (work) => this.through(() => inner.transact(work)),
      events: {
        last: () => events.last(),
        oldest: () => events.oldest(),
        forget: (before) => this.through(() => events.forget(before)),
        query: (query) => events.query(query),
        follow: (query, signal) => events.follow(query, signal),
        consume: (name, types, handle) =>
          events.consume(name, types, (event, tx) => this.through(() => handle(event, tx))),
      },
    };
  }

  exeUnits(inner: ExeUnits): ExeUnits {
    const check = (): void => this.#check();
    return {
      start: () => inner.start(),
      stop: () => inner.stop(),
      list: () => this.through(() => inner.list()),
      create: (spec) => this.through(() => inner.create(spec)),
      exec: (id, batchId, script) => this.through(() => inner.exec(id, batchId, script)),
      provide: (id, hash, result) => this.through(() => inner.provide(id, hash, result)),
      answer: (id, batchId, index, answer) => this.through(() => inner.answer(id, batchId, index, answer)),
      report: (id, batchId, index, progress) =>
        this.through(() => inner.report(id, batchId, index, progress)),
      suspend: (id, by) => this.through(() => inner.suspend(id, by)),
      resume: (id, by) => this.through(() => inner.resume(id, by)),
      cancelBatch: (id, batchId) => this.through(() => inner.cancelBatch(id, batchId)),
      end: (id, state, reason) => this.through(() => inner.end(id, state, reason)),
      close: (id, reason) => this.through(() => inner.close(id, reason)),
      status: (id) => this.through(() => inner.status(id)),
      readLog: (id, stream, offset, max) => this.through(() => inner.readLog(id, stream, offset, max)),
      outputPath: (id, hash) => this.through(() => inner.outputPath(id, hash)),
      dropOutput: (id, hash) => this.through(() => inner.dropOutput(id, hash)),
      dispose: (id) => this.through(() => inner.dispose(id)),
      reap: (nodeId, graceMs) => this.through(() => inner.reap(nodeId, graceMs)),
      async *follow(id, afterSeq, signal) {
        for await (const line of inner.follow(id, afterSeq, signal)) {
          check();
          yield line;
        }
      },
    };
  }

  #blow(): never {
    this.blown = true;
    throw new Error('killed');
  }

  #check(): void {
    if (this.blown) throw new Error('dead');
  }
}
