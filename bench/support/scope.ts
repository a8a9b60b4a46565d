import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchContext } from './bench.ts';

/** What is to be undone when a case is over, or when the run is broken off. */
export class Scope implements AsyncDisposable {
  readonly context: BenchContext;
  readonly #cleanUps: (() => Promise<unknown>)[];

  private constructor(dir: string, quick: boolean) {
    this.#cleanUps = [() => rm(dir, { recursive: true, force: true, maxRetries: 10 })];
    this.context = { dir, quick, defer: (cleanUp) => void this.#cleanUps.push(cleanUp) };
  }

  static async open(quick: boolean): Promise<Scope> {
    return new Scope(await mkdtemp(join(tmpdir(), 'ergon-bench-')), quick);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let next = this.#cleanUps.pop(); next !== undefined; next = this.#cleanUps.pop())
      await next().catch((error: unknown) => process.stderr.write(`bench: clean-up: ${String(error)}\n`));
  }
}
