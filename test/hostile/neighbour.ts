import type { ExeUnits } from '../../src/interface/exe-unit.ts';

export const TICK_MS = 20;
const PERCENTILE = 0.99;

/** An activity that does nothing but say what time it is, read by who wants to know how it fares. */
export class Neighbour {
  readonly #units: Pick<ExeUnits, 'readLog'>;
  readonly #activityId: string;
  readonly #ticksMs: number[] = [];
  #offset = 0;
  #rest = '';

  constructor(units: Pick<ExeUnits, 'readLog'>, activityId: string) {
    this.#units = units;
    this.#activityId = activityId;
  }

  /** Reads on until there is a tick after this moment, and so many since `fromMs`; fails when none comes any more. */
  async until(count: number, fromMs: number, afterMs = 0): Promise<void> {
    for (let polls = 0; polls < 1500; polls += 1) {
      await this.#read();
      if ((this.#ticksMs.at(-1) ?? 0) > afterMs && this.delays(fromMs, Infinity).length >= count) return;
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    throw new Error(`the neighbour does not tick any more: ${this.#ticksMs.length} ticks so far`);
  }

  /** Between one tick and the next, of those that ended in this time. */
  delays(fromMs: number, toMs: number): number[] {
    return this.#ticksMs.flatMap((tick, i) => {
      const before = this.#ticksMs[i - 1];
      return before === undefined || tick < fromMs || tick > toMs ? [] : [tick - before];
    });
  }

  async #read(): Promise<void> {
    for (;;) {
      const { bytes } = await this.#units.readLog(this.#activityId, 'stdout', this.#offset, 1 << 20);
      if (bytes.length === 0) return;
      this.#offset += bytes.length;
      const lines = (this.#rest + Buffer.from(bytes).toString('latin1')).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#ticksMs.push(...lines.map((line) => Number(line) / 1000));
    }
  }
}

export function p99(delays: readonly number[]): number {
  const sorted = [...delays].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * PERCENTILE))] ?? Infinity;
}
