import type { UsageSample } from '../../interface/activity.ts';
import type { Clock } from '../../interface/clock.ts';
import type { RuntimeStats } from '../../interface/exe-unit-runtime.ts';
import type { Logger } from '../../interface/logger.ts';
import { COUNTER } from '../../interface/usage-counters.ts';
import { SerialQueue } from '../../util/serial-queue.ts';
import type { JournalWriter } from '../journal/writer.ts';

const GIB = 1n << 30n;
const NANO = 1_000_000_000n;

export interface MeterComponents {
  readonly clock: Clock;
  readonly journal: JournalWriter;
  readonly logger: Logger;
}

/**
 * Cumulative usage from `begin` on, or from `start`: what a deployment costs is billed only where it was begun before.
 * Nothing that it says ever falls. When the runtime cannot say, the last figures stand; time goes on.
 */
export class Meter {
  readonly #components: MeterComponents;
  #stats: (() => Promise<RuntimeStats>) | undefined;
  #startedNs: bigint | undefined;
  #measuredNs = 0n;
  #cpuBeforeStartNs = 0n;
  #cpuNs = 0n;
  #memoryBytes = 0n;
  #memoryByteNs = 0n;
  #memoryPeakBytes = 0n;
  #storageBytes = 0n;
  #storagePeakBytes = 0n;
  #storageByteNs = 0n;
  readonly #custom = new Map<string, bigint>();
  #sequence = 0;
  readonly #queue = new SerialQueue();

  constructor(components: MeterComponents) {
    this.#components = components;
  }

  get started(): boolean {
    return this.#startedNs !== undefined;
  }

  /** CPU time since the start. */
  get cpuNs(): bigint {
    return this.#cpuNs;
  }

  /** Wall time since the start; 0 before it. */
  get durationNs(): bigint {
    return this.#startedNs === undefined ? 0n : this.#components.clock.monotonicNs() - this.#startedNs;
  }

  /** Counts time from now on, and all that is used before `start`. Idempotent. */
  begin(): void {
    if (this.started) return;
    this.#startedNs = this.#components.clock.monotonicNs();
    this.#measuredNs = this.#startedNs;
  }

  /** Takes the runtime's figures from now on. What was used before counts only after an earlier `begin`. */
  async start(stats: () => Promise<RuntimeStats>): Promise<void> {
    if (!this.started) this.#cpuBeforeStartNs = (await stats()).cpuNs;
    this.#stats = stats;
    this.begin();
  }

  /** Asks the runtime for its figures. */
  measure(): Promise<void> {
    return this.#queue.run(() => this.#measure());
  }

  /** Measures, and writes a sample into the journal. */
  sample(): Promise<void> {
    return this.#queue.run(async () => {
      await this.#measure();
      this.#components.journal.append({ type: 'usage', sample: this.#next() });
    });
  }

  async #measure(): Promise<void> {
    if (this.#stats === undefined) return;
    try {
      this.#take(await this.#stats());
    } catch (error) {
      this.#components.logger.warn({ error: String(error) }, 'runtime has no figures');
    }
  }

  #take(stats: RuntimeStats): void {
    const nowNs = this.#components.clock.monotonicNs();
    const passedNs = nowNs - this.#measuredNs;
    const memoryBytes = BigInt(stats.memoryBytes);
    const storageBytes = BigInt(stats.diskBytes);
    // Between two measurements both are taken to have changed in a straight line.
    this.#memoryByteNs += ((this.#memoryBytes + memoryBytes) * passedNs) / 2n;
    this.#storageByteNs += ((this.#storageBytes + storageBytes) * passedNs) / 2n;
    this.#memoryBytes = memoryBytes;
    this.#storageBytes = storageBytes;
    this.#measuredNs = nowNs;
    this.#cpuNs = larger(this.#cpuNs, stats.cpuNs - this.#cpuBeforeStartNs);
    this.#memoryPeakBytes = larger(this.#memoryPeakBytes, larger(memoryBytes, BigInt(stats.memoryPeakBytes)));
    this.#storagePeakBytes = larger(this.#storagePeakBytes, storageBytes);
    for (const [name, value] of Object.entries(stats.counters)) {
      this.#custom.set(name, larger(this.#custom.get(name) ?? 0n, value));
    }
  }

  #next(): UsageSample {
    this.#sequence += 1;
    const counters: Record<string, string> = Object.fromEntries(
      [...this.#custom].map(([name, value]) => [name, value.toString()]),
    );
    counters[COUNTER.duration] = this.durationNs.toString();
    counters[COUNTER.cpu] = this.#cpuNs.toString();
    // Byte-nanoseconds over the bytes of a GiB are GiB-nanoseconds: billionths of a GiB-second.
    counters[COUNTER.memory] = (this.#memoryByteNs / GIB).toString();
    counters[COUNTER.memoryPeak] = ((this.#memoryPeakBytes * NANO) / GIB).toString();
    counters[COUNTER.storage] = (this.#storageByteNs / GIB).toString();
    counters[COUNTER.storagePeak] = ((this.#storagePeakBytes * NANO) / GIB).toString();
    return { sequence: this.#sequence, at: this.#components.clock.now(), counters };
  }
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
