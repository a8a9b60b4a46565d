import { importFunctions, isStackExhausted, type OnFault } from '../host/import-functions.ts';
import { ExitTrap, GuestExit } from '../host/exit.ts';
import { createHost, type Host } from '../host/host.ts';
import { hostCalls } from '../host/preview1.ts';
import { DiskQuota, UNLIMITED } from '../host/quota.ts';
import { NAMESPACES } from '../host/signatures.ts';
import { machineTime } from '../host/time.ts';
import { seededRandom, RANDOM_SEED } from '../host/random.ts';
import { REFUSED_PAGES_EXPORT } from '../module/grow-guard.ts';
import { START_EXPORT } from '../module/start.ts';
import { createEnvironment, type Environment } from './environment.ts';
import { FuelBudget } from './fuel-budget.ts';
import { RUNNER_FD, type GuestEnd, type RunOrder } from './protocol.ts';

/** How a guest ended, the memory that it had then, and what it was last refused: 0 where nothing was. */
export interface Execution {
  readonly end: GuestEnd;
  readonly memoryBytes: number;
  readonly refusedPages: number;
  readonly refusedBytes: number;
  readonly refusedFiles: number;
}
/** Told of meanwhile: faults of the host, the disk in use, and the fuel used so far. */
export interface ExecuteHooks {
  readonly onFault: OnFault;
  readonly onDisk: (quota: DiskQuota) => void;
  readonly onFuel: (used: bigint) => void;
}

/** Runs the module's `_start` to its end, in this thread. */
export function execute(module: WebAssembly.Module, order: RunOrder, hooks: ExecuteHooks): Execution {
  const quota: DiskQuota = new DiskQuota(order.quota ?? UNLIMITED, () => hooks.onDisk(quota));
  if (order.quota !== undefined)
    for (const hostPath of new Set(order.preopens.map((preopen) => preopen.hostPath))) quota.scan(hostPath);
  const seed = order.env[RANDOM_SEED];
  const host = createHost({
    preopens: order.preopens,
    stdio: [RUNNER_FD.STDIN, RUNNER_FD.STDOUT, RUNNER_FD.STDERR],
    quota,
    time: machineTime(),
    ...(seed === undefined ? {} : { random: seededRandom(seed) }),
  });
  const environment = createEnvironment(host.memory, order.args, order.env);
  const fuel = order.fuel === undefined ? undefined : new FuelBudget(order.fuel, hooks.onFuel);
  const exitTrap = new ExitTrap();
  let refusedPages: () => number = () => 0;
  const end = endOf(exitTrap, () => {
    const instance = new WebAssembly.Instance(
      module,
      importObject(host, environment, hooks.onFault, exitTrap, fuel),
    );
    refusedPages = () => globalValue(instance.exports[REFUSED_PAGES_EXPORT]);
    const { memory, _start: start, [START_EXPORT]: first } = instance.exports;
    fuel?.attach(instance.exports);
    if (memory instanceof WebAssembly.Memory) {
      host.memory.attach(memory);
      environment.attach(memory);
    }
    if (isFunction(first)) first();
    if (isFunction(start)) start();
  });
  fuel?.report();
  return {
    end: fuel?.isEmpty === true ? { kind: 'out-of-fuel' } : end,
    memoryBytes: host.memory.byteLength,
    refusedPages: refusedPages(),
    refusedBytes: quota.refusedBytes,
    refusedFiles: quota.refusedFiles,
  };
}

function importObject(
  host: Host,
  environment: Environment,
  onFault: OnFault,
  exitTrap: ExitTrap,
  fuel: FuelBudget | undefined,
): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    NAMESPACES.map((namespace) => {
      const all = { ...environment.calls, ...hostCalls(host, namespace) };
      const calls = importFunctions(all, onFault, (asked) => exitTrap.leave(asked));
      return [namespace, fuel === undefined ? calls : fuel.watch(calls)];
    }),
  );
}

function endOf(exitTrap: ExitTrap, run: () => void): GuestEnd {
  try {
    run();
    return { kind: 'exit', code: 0 };
  } catch (error) {
    const asked = exitTrap.end;
    if (asked !== undefined)
      return asked instanceof GuestExit
        ? { kind: 'exit', code: asked.code }
        : { kind: 'raise', signal: asked.signal };
    const isTrap = error instanceof WebAssembly.RuntimeError || isStackExhausted(error);
    return { kind: isTrap ? 'trap' : 'failed', message: describe(error) };
  }
}

const MAX_MESSAGE_LENGTH = 4096;

function describe(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.slice(0, MAX_MESSAGE_LENGTH);
}

function globalValue(exported: unknown): number {
  return exported instanceof WebAssembly.Global && typeof exported.value === 'number'
    ? exported.value >>> 0
    : 0;
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function';
}
