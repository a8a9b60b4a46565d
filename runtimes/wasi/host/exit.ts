/** Thrown through the guest's frames by proc_exit. Not an Error, so no guest can catch it as one. */
export class GuestExit {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

/** Thrown by proc_raise: the guest ends as by that signal. */
export class GuestRaise {
  readonly signal: string;

  constructor(signal: string) {
    this.signal = signal;
  }
}
