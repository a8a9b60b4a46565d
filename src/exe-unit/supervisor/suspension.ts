import type { Holder } from '../../interface/activity.ts';
import type { ExeUnitRuntime } from '../../interface/exe-unit-runtime.ts';
import type { Logger } from '../../interface/logger.ts';
import { SerialQueue } from '../../util/serial-queue.ts';
import { ExeUnitError } from '../errors.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Meter } from './meter.ts';
import type { WorkClock } from './work-clock.ts';

export interface SuspensionComponents {
  readonly lifecycle: Lifecycle;
  readonly runtime: ExeUnitRuntime;
  readonly meter: Meter;
  readonly workClock: WorkClock;
  readonly logger: Logger;
  readonly handle: () => string;
  /** Gives up on a runtime that hangs when the activity's end has waited for it long enough. */
  readonly unlessAbandoned: <T>(promise: Promise<T>) => Promise<T>;
}

/**
 * Holds the activity back for as long as anybody wants it held: what runs is frozen (Running → Suspended), what does
 * not run yet is not begun, and the work clock stands still. All of it goes through one queue, with the end of each
 * run, so that no freeze meets a run that is just being started or has just ended.
 */
export class Suspension {
  readonly #components: SuspensionComponents;
  readonly #queue = new SerialQueue();
  #opened = Promise.withResolvers<undefined>();

  constructor(components: SuspensionComponents) {
    this.#components = components;
  }

  /** @throws ExeUnitError ERR_EXE_UNIT_ENDED, ERR_EXE_UNIT_SUSPEND_UNSUPPORTED, or whatever the runtime throws: nothing has changed then */
  hold(by: Holder): Promise<void> {
    const { lifecycle, runtime, workClock } = this.#components;
    return this.#queue.run(async () => {
      this.#expectLife();
      if (lifecycle.holds.includes(by)) return;
      if (!runtime.supports.suspend) throw unsupported(runtime.descriptor.name);
      const holds = [...lifecycle.holds, by];
      if (lifecycle.state === 'Running') await this.#freeze(holds);
      else lifecycle.setHolds(holds);
      workClock.stop();
    });
  }

  release(by: Holder): Promise<void> {
    const { lifecycle } = this.#components;
    return this.#queue.run(async () => {
      this.#expectLife();
      if (!lifecycle.holds.includes(by)) return;
      const holds = lifecycle.holds.filter((other) => other !== by);
      if (holds.length === 0 && lifecycle.state === 'Suspended')
        await lifecycle.during('resume', () => this.#thaw(), holds);
      else lifecycle.setHolds(holds);
      if (holds.length === 0) this.#open();
    });
  }

  /** Resolves when nobody holds the activity; rejects when the signal aborts. */
  async pass(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const stopped = Promise.withResolvers<never>();
    const onAbort = (): void => stopped.reject(new Error('the command was stopped while it was held back'));
    signal.addEventListener('abort', onAbort);
    try {
      while (this.#components.lifecycle.holds.length > 0) {
        await Promise.race([this.#opened.promise, stopped.promise]);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** A command runs now: whoever began to hold the activity while it was being started has it frozen. */
  runStarted(): Promise<void> {
    const { lifecycle, logger } = this.#components;
    return this.#queue.run(async () => {
      if (lifecycle.state !== 'Running' || lifecycle.holds.length === 0) return;
      try {
        await this.#freeze(lifecycle.holds);
      } catch (error) {
        if (lifecycle.ending) return;
        // Said in the journal: whoever wants it held can see that it is not, and asks again.
        logger.error({ error: String(error) }, 'the command that was started could not be frozen');
        lifecycle.setHolds([]);
        this.#open();
      }
    });
  }

  /** The command that runs has been killed: should it be frozen, it dies only when it is thawed. */
  killed(): Promise<void> {
    return this.#queue.run(() => this.#unfreeze());
  }

  /** The command that ran has ended, be it frozen or not. The activity stays held. */
  runEnded(): Promise<void> {
    const { lifecycle } = this.#components;
    return this.#queue.run(async () => {
      await this.#unfreeze();
      lifecycle.step('finish');
    });
  }

  async #unfreeze(): Promise<void> {
    const { lifecycle, logger } = this.#components;
    if (lifecycle.state !== 'Suspended' || lifecycle.ending) return;
    await this.#thaw().catch((error: unknown) =>
      logger.error({ error: String(error) }, 'the sandbox could not be thawed'),
    );
    lifecycle.step('resume');
  }

  async #freeze(holds: readonly Holder[]): Promise<void> {
    const { lifecycle, runtime, meter, workClock, handle, unlessAbandoned } = this.#components;
    // First, so that no moment is billed in which the workload may be frozen already.
    workClock.stop();
    try {
      await lifecycle.during('suspend', () => unlessAbandoned(runtime.suspend(handle())), holds);
    } catch (error) {
      if (lifecycle.holds.length === 0) workClock.go();
      throw error;
    }
    // What the books show meanwhile.
    if (!lifecycle.ending) await meter.sample();
  }

  #thaw(): Promise<void> {
    const { runtime, handle, unlessAbandoned } = this.#components;
    return unlessAbandoned(runtime.resume(handle()));
  }

  #open(): void {
    this.#components.workClock.go();
    this.#opened.resolve(undefined);
    this.#opened = Promise.withResolvers();
  }

  #expectLife(): void {
    if (this.#components.lifecycle.ending) {
      throw new ExeUnitError('ERR_EXE_UNIT_ENDED', 'the activity has ended');
    }
  }
}

function unsupported(runtime: string): ExeUnitError {
  return new ExeUnitError(
    'ERR_EXE_UNIT_SUSPEND_UNSUPPORTED',
    `the runtime ${runtime} cannot freeze what it runs`,
    { runtime },
  );
}
