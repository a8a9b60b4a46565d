import type { CommandResult, ExeScript } from '../../src/interface/exe-script.ts';
import type { JournalRecord } from '../../src/interface/exe-unit.ts';

/** Runs a script and gives the results of its commands. */
export type Exec = (commands: ExeScript) => Promise<CommandResult[]>;

/** The results of batches, from an activity's journal. */
export class Batches {
  readonly #results = new Map<string, CommandResult[]>();
  readonly #finished = new Map<string, PromiseWithResolvers<undefined>>();

  take(record: JournalRecord): void {
    if (record.type === 'command-finished') this.#of(record.batchId).push(record.result);
    if (record.type === 'batch-finished') this.#end(record.batchId).resolve(undefined);
  }

  async result(batchId: string): Promise<CommandResult[]> {
    await this.#end(batchId).promise;
    return this.#of(batchId);
  }

  #of(batchId: string): CommandResult[] {
    const known = this.#results.get(batchId) ?? [];
    this.#results.set(batchId, known);
    return known;
  }

  #end(batchId: string): PromiseWithResolvers<undefined> {
    const known = this.#finished.get(batchId) ?? Promise.withResolvers<undefined>();
    this.#finished.set(batchId, known);
    return known;
  }
}
