import { WASI } from '@wasmer/wasi';
import { WasiError, type Errno } from '../host/errno.ts';
import { GuestMemory } from '../host/memory.ts';
import type { Calls, EnvironmentCall } from '../host/signatures.ts';

/**
 * A module with nothing but `(import "wasi_snapshot_preview1" "args_get" (func))`, `(import "guest" "memory" (memory
 * 0))` and `(export "memory" (memory 0))`. @wasmer/wasi is given this one in the guest's place: it takes the guest's
 * memory through it, and never has to understand the guest's other imports and exports.
 */
const FACADE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x07, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f],
  ...[0x02, 0x33, 0x02],
  ...[0x16, ...ascii('wasi_snapshot_preview1'), 0x08, ...ascii('args_get'), 0x00, 0x00],
  ...[0x05, ...ascii('guest'), 0x06, ...ascii('memory'), 0x02, 0x00, 0x00],
  ...[0x07, 0x0a, 0x01, 0x06, ...ascii('memory'), 0x02, 0x00],
]);

type WasmerCall = (...args: number[]) => number;
type WasmerCalls = Readonly<Record<EnvironmentCall, WasmerCall>>;

/** The calls that @wasmer/wasi answers, and the guest's memory for them. */
export interface Environment {
  readonly calls: Pick<Calls, EnvironmentCall>;
  /** Before any call but sched_yield can be answered. */
  attach(memory: WebAssembly.Memory): void;
}

/**
 * Arguments, environment and yield, by @wasmer/wasi. Its file system and streams stay unused, and every pointer is
 * checked before it sees it. `init()` of the library must have been awaited.
 */
export function createEnvironment(
  memory: GuestMemory,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Environment {
  const wasi = new WASI({ args: [...args], env: { ...env }, preopens: {} });
  const facade = new WebAssembly.Module(FACADE);
  const imports = wasi.getImports(facade) as { wasi_snapshot_preview1: WasmerCalls };
  const wasmer = imports.wasi_snapshot_preview1;
  const environ = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return {
    calls: {
      ...listCalls(memory, wasmer, args.length === 0 ? [''] : args, environ),
      sched_yield: () => delegate(wasmer.sched_yield),
    },
    attach: (guestMemory) => {
      const instance = new WebAssembly.Instance(facade, { ...imports, guest: { memory: guestMemory } });
      wasi.instantiate(instance, {});
    },
  };
}

/** Has the library's code compiled, by using it once, before there is a guest to wait for that. */
export function warmEnvironment(): void {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const guest = new GuestMemory();
  guest.attach(memory);
  const environment = createEnvironment(guest, ['warm'], { WARM: '1' });
  environment.attach(memory);
  const { calls } = environment;
  calls.args_sizes_get(0, 4);
  calls.args_get(8, 64);
  calls.environ_sizes_get(0, 4);
  calls.environ_get(8, 64);
  calls.sched_yield();
}

function listCalls(
  memory: GuestMemory,
  wasmer: WasmerCalls,
  args: readonly string[],
  environ: readonly string[],
): Omit<Pick<Calls, EnvironmentCall>, 'sched_yield'> {
  const sizes = (call: WasmerCall) => (countPointer: number, sizePointer: number) => {
    memory.check(countPointer, 4);
    memory.check(sizePointer, 4);
    delegate(call, countPointer, sizePointer);
  };
  const list = (call: WasmerCall, texts: readonly string[]) => {
    const length = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
    return (pointersAt: number, textsAt: number) => {
      memory.check(pointersAt, 4 * texts.length);
      memory.check(textsAt, length);
      delegate(call, pointersAt, textsAt);
    };
  };
  return {
    args_sizes_get: sizes(wasmer.args_sizes_get),
    environ_sizes_get: sizes(wasmer.environ_sizes_get),
    args_get: list(wasmer.args_get, args),
    environ_get: list(wasmer.environ_get, environ),
  };
}

function delegate(call: WasmerCall, ...args: number[]): void {
  const errno = call(...args);
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- an errno for the guest
  if (errno !== 0) throw new WasiError(errno as Errno);
}

function ascii(text: string): number[] {
  return [...Buffer.from(text, 'ascii')];
}
