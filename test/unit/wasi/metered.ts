import { FuelBudget } from '../../../runtimes/wasi/runner/fuel-budget.ts';
import { prepareModule } from '../../../runtimes/wasi/module/prepare.ts';
import { START_EXPORT } from '../../../runtimes/wasi/module/start.ts';

export interface MeteredRun {
  readonly used: number;
  readonly isEmpty: boolean;
  /** What it ended with, if it did not return. */
  readonly error: unknown;
  /** The value of its exported global. */
  readonly state: unknown;
  readonly reports: readonly bigint[];
}

/** Prepares a module without imports, runs it, and says what it has used. */
export function runMetered(source: Uint8Array, limit?: number): MeteredRun {
  const prepared = prepareModule(source, { memoryBytes: 1 << 20, meterFuel: true });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(prepared), {});
  const reports: bigint[] = [];
  const budget = new FuelBudget(limit === undefined ? {} : { limit: String(limit) }, (used) =>
    reports.push(used),
  );
  budget.attach(exports);
  const error = thrownBy(() => {
    callIfThere(exports[START_EXPORT]);
    callIfThere(exports['_start']);
  });
  return { used: Number(budget.used), isEmpty: budget.isEmpty, error, state: stateOf(exports), reports };
}

/** The same module as it came. */
export function runBare(source: Uint8Array<ArrayBuffer>): Pick<MeteredRun, 'error' | 'state'> {
  let exports: Readonly<Record<string, unknown>> = {};
  const error = thrownBy(() => {
    ({ exports } = new WebAssembly.Instance(new WebAssembly.Module(source), {}));
    callIfThere(exports['_start']);
  });
  return { error, state: stateOf(exports) };
}

function stateOf({ state }: Readonly<Record<string, unknown>>): unknown {
  return state instanceof WebAssembly.Global ? state.value : undefined;
}

function callIfThere(value: unknown): void {
  if (typeof value === 'function') (value as () => void)();
}

function thrownBy(run: () => void): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
