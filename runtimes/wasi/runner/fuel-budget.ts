import type { ImportFunction } from '../host/import-functions.ts';
import { FUEL_EXPORT, REFUEL_EXPORT } from '../module/fuel.ts';
import type { FuelOrder } from './protocol.ts';

/** So much at a time, about ten milliseconds of work: whenever it is used up, the host learns how far the guest is. */
const PORTION = 10_000_000n;

/** `(module (import "h" "f" (func)) (export "f" (func 0)))`: makes a function of ours one that a table takes. */
const ADAPTER = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x02, 0x07, 0x01, 0x01, 0x68, 0x01, 0x66, 0x00, 0x00],
  ...[0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00],
]);

/** The fuel of one run: grants it in portions, up to the limit, and says what has been used. */
export class FuelBudget {
  readonly #limit: bigint | undefined;
  readonly #onUsed: (used: bigint) => void;
  #left: WebAssembly.Global | undefined;
  #granted = 0n;

  constructor({ limit }: FuelOrder, onUsed: (used: bigint) => void) {
    this.#limit = limit === undefined ? undefined : BigInt(limit);
    this.#onUsed = onUsed;
  }

  get used(): bigint {
    const left = this.#left?.value;
    return typeof left === 'bigint' ? this.#granted - left : 0n;
  }

  /** The guest wanted more than it may have. */
  get isEmpty(): boolean {
    return this.#limit !== undefined && this.used > this.#limit;
  }

  /** Before anything of the guest runs. */
  attach(exports: Readonly<Record<string, unknown>>): void {
    const { [FUEL_EXPORT]: left, [REFUEL_EXPORT]: table } = exports;
    if (!(left instanceof WebAssembly.Global) || !(table instanceof WebAssembly.Table))
      throw new TypeError('the module is not prepared for metering');
    this.#left = left;
    const adapter = new WebAssembly.Instance(new WebAssembly.Module(ADAPTER), {
      h: { f: () => this.#refuel(left) },
    });
    table.set(0, adapter.exports['f']);
    this.#grant(left);
  }

  report(): void {
    this.#onUsed(this.used);
  }

  /** A guest that calls on and on, or waits, uses up no portion: what it has used is told at its calls. */
  watch(calls: Readonly<Record<string, ImportFunction>>): Record<string, ImportFunction> {
    return Object.fromEntries(
      Object.entries(calls).map(([name, call]): [string, ImportFunction] => [
        name,
        (...raw) => {
          this.#onUsed(this.used);
          return call(...raw);
        },
      ]),
    );
  }

  #refuel(left: WebAssembly.Global): void {
    this.#onUsed(this.used);
    if (!this.isEmpty) this.#grant(left);
  }

  #grant(left: WebAssembly.Global): void {
    const used = this.used;
    const room = this.#limit === undefined ? PORTION : this.#limit - used;
    const portion = room < PORTION ? room : PORTION;
    this.#granted = used + portion;
    left.value = portion;
  }
}
