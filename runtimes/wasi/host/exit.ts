/** Thrown by proc_exit, up to `importFunctions`. */
export class GuestExit {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

/** Thrown by proc_raise, up to `importFunctions`: the guest ends as by that signal. */
export class GuestRaise {
  readonly signal: string;

  constructor(signal: string) {
    this.signal = signal;
  }
}

/** `(module (func (export "t") unreachable))` */
const TRAP = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x05, 0x01, 0x01, 0x74, 0x00, 0x00],
  ...[0x0a, 0x05, 0x01, 0x03, 0x00, 0x00, 0x0b],
]);

/**
 * The way out of a guest that has asked for its end. Whatever JavaScript throws a guest with exceptions may catch and go
 * on; a trap it may not.
 */
export class ExitTrap {
  readonly #trap = new WebAssembly.Instance(new WebAssembly.Module(TRAP)).exports['t'] as () => void;
  #end: GuestExit | GuestRaise | undefined;

  /** What the guest has asked for first. */
  get end(): GuestExit | GuestRaise | undefined {
    return this.#end;
  }

  leave(end: GuestExit | GuestRaise): void {
    this.#end ??= end;
    this.#trap();
  }
}
