import type { DeploySpec } from '../../../src/interface/exe-unit-runtime.ts';
import { FUEL_COUNTER } from '../../../src/interface/usage-counters.ts';
import type { FuelOrder } from '../runner/protocol.ts';

const NANO = 1_000_000_000n;

type Reported = { readonly fuelUsed: bigint };

/** The fuel of all runs of one deployment. */
export class FuelMeter {
  readonly #limit: number | undefined;
  #endedRuns = 0n;

  /** Metering slows a program down a little, so it is only done for whom it is of use. */
  static wanted({ counters = [], fuelLimit }: Pick<DeploySpec, 'counters' | 'fuelLimit'>): boolean {
    return counters.includes(FUEL_COUNTER) || fuelLimit !== undefined;
  }

  constructor(limit: number | undefined) {
    this.#limit = limit;
  }

  /** What the next run may use. */
  begin(): FuelOrder {
    if (this.#limit === undefined) return {};
    const left = BigInt(this.#limit) - this.#endedRuns;
    return { limit: (left > 0n ? left : 0n).toString() };
  }

  end(run: Reported): void {
    this.#endedRuns += run.fuelUsed;
  }

  /** In billionths of a unit. */
  counters(running: Reported | undefined): Record<string, bigint> {
    return { [FUEL_COUNTER]: (this.#endedRuns + (running?.fuelUsed ?? 0n)) * NANO };
  }

  /** For a run that has ended. */
  evidence(): { limit: number; used: bigint } {
    return { limit: this.#limit ?? 0, used: this.#endedRuns };
  }
}
