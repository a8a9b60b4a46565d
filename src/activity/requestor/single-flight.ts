import type { Clock } from '../../interface/index.ts';
import { delay } from '../../util/delay.ts';

/** Work under way, by what it does: who asks for the same thing meanwhile waits for the same answer. */
export class SingleFlight {
  readonly #underWay = new Map<string, Promise<void>>();

  join(key: string, work: () => Promise<void>): Promise<void> {
    const flight = this.#underWay.get(key) ?? this.#start(key, work);
    return flight;
  }

  #start(key: string, work: () => Promise<void>): Promise<void> {
    const flight = work().finally(() => this.#underWay.delete(key));
    // Whoever joined hears of a failure; without anyone it must not end the process.
    flight.catch(() => undefined);
    this.#underWay.set(key, flight);
    return flight;
  }
}

/** Waits for a flight, but not beyond `timeoutMs` or the caller's patience: the flight itself goes on. */
export async function waitAtMost(
  flight: Promise<void>,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  onTimeout: () => Error,
): Promise<void> {
  const over = new AbortController();
  const both = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  const timeout = delay(clock, timeoutMs, both).then(() => Promise.reject(onTimeout()));
  timeout.catch(() => undefined);
  try {
    await Promise.race([flight, timeout]);
  } finally {
    over.abort();
  }
}
