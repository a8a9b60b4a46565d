import { CLOCK } from './constants.ts';
import { ERRNO, fail } from './errno.ts';
import type { Host } from './host.ts';
import type { Calls } from './signatures.ts';
import type { GuestTime } from './time.ts';

type ClockCalls = Pick<Calls, 'clock_res_get' | 'clock_time_get'>;

/** process.cpuUsage counts microseconds. */
const CPU_RESOLUTION_NS = 1000n;

/** `clock_res_get` and `clock_time_get`, in nanoseconds. */
export function clockCalls({ memory, time }: Host): ClockCalls {
  return {
    clock_res_get: (id, pointer) => {
      if (id > CLOCK.THREAD_CPU) fail(ERRNO.INVAL);
      memory.writeU64(pointer, id <= CLOCK.MONOTONIC ? 1n : CPU_RESOLUTION_NS);
    },
    clock_time_get: (id, _precision, pointer) => {
      memory.check(pointer, 8);
      memory.writeU64(pointer, readClock(time, id));
    },
  };
}

/** Nanoseconds of the clock with this preview1 id. @throws WasiError INVAL for an id that there is not */
export function readClock(time: GuestTime, id: number): bigint {
  switch (id) {
    case CLOCK.REALTIME:
      return time.realtimeNs();
    case CLOCK.MONOTONIC:
      return time.monotonicNs();
    case CLOCK.PROCESS_CPU:
    case CLOCK.THREAD_CPU:
      return time.cpuNs();
    default:
      return fail(ERRNO.INVAL);
  }
}

/** `random_get`. */
export function randomCalls({ memory, random }: Host): Pick<Calls, 'random_get'> {
  return { random_get: (pointer, length) => random(memory.slice(pointer, length)) };
}
