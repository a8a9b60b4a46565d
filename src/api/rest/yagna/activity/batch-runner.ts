import { isErgonError, type Batch, type ExeScript } from '../../../../interface/index.ts';
import { yagnaProblem } from '../problem.ts';
import { Notifier } from '../hold.ts';
import type { Files } from '../gsb/files.ts';
import type { YagnaContext } from '../init.ts';
import { batchNoteBucket, batchNoteKey, type BatchNote, type Delivery } from './records.ts';
import { isOutside, ourCommand } from './our-command.ts';
import { parseScript, readCommand } from './script.ts';

type Context = Pick<
  YagnaContext,
  'store' | 'clock' | 'logger' | 'newId' | 'activities' | 'books' | 'outputs' | 'limits' | 'stopSignal'
>;

/** Errors after which the wish is on record and goes on by itself. */
const STILL_UNDER_WAY = ['ERR_ACTIVITY_UNREACHABLE'];

/**
 * Clients' batches: taken at once, handed to the provider one after another, with the files that they name brought here
 * before and delivered after. What is to be done is on record first; a restart goes on with it.
 */
export class BatchRunner {
  readonly changed = new Notifier();
  readonly #context: Context;
  readonly #files: Files;
  readonly #queues = new Map<string, Promise<void>>();

  constructor(context: Context, files: Files) {
    this.#context = context;
    this.#files = files;
  }

  /** Goes on with what the last run of this node has left. */
  async start(): Promise<void> {
    for (const note of await this.open()) this.#enqueue(note);
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#queues.values());
  }

  /** @throws YagnaError for a script that makes no sense */
  async exec(activityId: string, text: string): Promise<string> {
    const { store, newId, clock } = this.#context;
    const note: BatchNote = {
      activityId,
      batchId: newId(),
      commands: parseScript(text),
      state: 'Preparing',
      deliveries: [],
      starts: { stdout: 0, stderr: 0 },
      createdAt: clock.now(),
    };
    await store.transact(async (tx) => tx.put(batchNoteBucket, batchNoteKey(activityId, note.batchId), note));
    this.#enqueue(note);
    return note.batchId;
  }

  /** What has not been seen through yet, oldest first. */
  async open(): Promise<BatchNote[]> {
    const open = await this.#context.store.list(batchNoteBucket, { where: { index: 'open', equals: 'yes' } });
    return open.map(({ value }) => value).sort((a, b) => a.createdAt - b.createdAt);
  }

  note(activityId: string, batchId: string): Promise<BatchNote | undefined> {
    return this.#context.store.get(batchNoteBucket, batchNoteKey(activityId, batchId));
  }

  #enqueue(note: BatchNote): void {
    const { activityId, batchId } = note;
    const before = this.#queues.get(activityId) ?? Promise.resolve();
    const running = before
      .then(() => this.#run(note))
      .catch((err: unknown) => {
        if (!this.#context.stopSignal.aborted)
          this.#context.logger.error(
            { err, activityId, batchId },
            'a batch of a client was not seen through',
          );
      })
      .finally(() => {
        if (this.#queues.get(activityId) === running) this.#queues.delete(activityId);
      });
    this.#queues.set(activityId, running);
  }

  async #run(given: BatchNote): Promise<void> {
    const note = given.state === 'Preparing' ? await this.#handOver(given) : given;
    if (note.state !== 'Handed') return;
    const { activityId, batchId } = note;
    const batch = await this.#context.activities
      .waitBatch(activityId, batchId, this.#context.stopSignal)
      .catch((error: unknown) => {
        // The provider has refused it meanwhile, or the node stops.
        if (isErgonError(error, 'ERR_ACTIVITY_BATCH_NOT_FOUND')) return undefined;
        throw error;
      });
    if (batch === undefined) {
      await this.#change(note, { state: 'Done', cut: this.#cut(0, 'The provider has refused the script') });
      return;
    }
    await this.#deliver(note, batch);
    await this.#change(note, { state: 'Done' });
  }

  /** Brings the files that it names, and gives the provider as much of it as could be prepared. */
  async #handOver(note: BatchNote): Promise<BatchNote> {
    const { activityId, batchId } = note;
    const { script, deliveries, cut } = await this.#prepare(note);
    const starts = await this.#logEnds(activityId);
    const facts = { starts, deliveries, ...(cut !== undefined && { cut }) };
    if (script.length === 0) return this.#change(note, { ...facts, state: 'Done' });
    const handed = await this.#change(note, { ...facts, state: 'Handed' });
    try {
      await this.#context.activities.exec(activityId, batchId, script, this.#context.stopSignal);
      return handed;
    } catch (error) {
      if (isErgonError(error, ...STILL_UNDER_WAY)) return handed;
      this.#context.stopSignal.throwIfAborted();
      this.#context.logger.warn({ activityId, batchId, err: error }, 'a script could not be handed over');
      return this.#change(handed, { state: 'Done', cut: this.#cut(0, yagnaProblem(error).message) });
    }
  }

  async #prepare(
    note: BatchNote,
  ): Promise<{ script: ExeScript; deliveries: Delivery[]; cut?: BatchNote['cut'] }> {
    const script: ExeScript = [];
    const deliveries: Delivery[] = [];
    const { stopSignal: signal, limits } = this.#context;
    for (const [index, each] of note.commands.entries()) {
      const command = readCommand(each, index);
      try {
        let blob: string | undefined;
        if (command.name === 'transfer') {
          const { from, to } = command.body;
          if (isOutside(from))
            blob = (await this.#files.bring(from, { signal, maxBytes: limits.maxPackageBytes })).hash;
          if (isOutside(to)) deliveries.push({ index, url: to, done: false });
        }
        script.push(ourCommand(command, blob));
      } catch (error) {
        signal.throwIfAborted();
        return { script, deliveries, cut: this.#cut(index, yagnaProblem(error).message) };
      }
    }
    return { script, deliveries };
  }

  /** Brings what the batch has put out to where the client said, in order. */
  async #deliver(note: BatchNote, batch: Batch): Promise<void> {
    const { outputs, stopSignal: signal } = this.#context;
    let current = note;
    for (const delivery of note.deliveries) {
      const blob = batch.results[delivery.index]?.blob;
      if (delivery.done || blob === undefined) continue;
      let error: string | undefined;
      try {
        await outputs.bring(note.activityId, blob, signal);
        await this.#files.deliver(blob.hash, delivery.url, signal);
      } catch (cause) {
        signal.throwIfAborted();
        error = yagnaProblem(cause).message.slice(0, 4096);
      }
      const settled = { ...delivery, done: true, ...(error !== undefined && { error }) };
      const deliveries = current.deliveries.map((each) => (each.index === settled.index ? settled : each));
      current = await this.#change(current, { deliveries });
    }
  }

  /** Where the logs stand after all earlier batches: there the output of this one begins. */
  async #logEnds(activityId: string): Promise<BatchNote['starts']> {
    const record = await this.#context.books.activities.get(activityId);
    return { stdout: record?.stdoutBytes ?? 0, stderr: record?.stderrBytes ?? 0 };
  }

  #cut(index: number, message: string): NonNullable<BatchNote['cut']> {
    return { index, message: message.slice(0, 4096), at: this.#context.clock.now() };
  }

  async #change(note: BatchNote, change: Partial<BatchNote>): Promise<BatchNote> {
    const key = batchNoteKey(note.activityId, note.batchId);
    const changed = await this.#context.store.transact(async (tx) => {
      const current = (await tx.get(batchNoteBucket, key)) ?? note;
      const next = { ...current, ...change };
      tx.put(batchNoteBucket, key, next);
      return next;
    });
    this.changed.notify();
    return changed;
  }
}
