import fs from 'node:fs';
import { readClock } from './clocks.ts';
import { CLOCK } from './constants.ts';
import { ERRNO, errnoOf, fail, type Errno } from './errno.ts';
import type { Host } from './host.ts';
import type { Calls } from './signatures.ts';

const EVENT_BYTES = 32;
const EVENT_TYPE = { CLOCK: 0, FD_READ: 1, FD_WRITE: 2 } as const;
const CLOCK_IS_ABSOLUTE = 1;
/** No program waits for more at once than it can have descriptors. */
const MAX_SUBSCRIPTIONS = 65_536;

/** Offsets in the subscription structure; preview0 has one more field in it. */
export interface SubscriptionLayout {
  readonly size: number;
  readonly clockId: number;
  readonly timeout: number;
  readonly clockFlags: number;
}

interface PolledEvent {
  readonly userdata: bigint;
  readonly errno: Errno;
  readonly type: number;
  readonly bytes: bigint;
}
interface Alarm {
  readonly userdata: bigint;
  readonly delayNs: bigint;
}

/** `poll_oneoff`. */
export function pollCalls(host: Host, layout: SubscriptionLayout): Pick<Calls, 'poll_oneoff'> {
  const { memory, time } = host;
  return {
    poll_oneoff: (input, output, count, resultPointer) => {
      if (count === 0 || count > MAX_SUBSCRIPTIONS) fail(ERRNO.INVAL);
      memory.check(input, count * layout.size);
      memory.check(output, count * EVENT_BYTES);
      memory.check(resultPointer, 4);
      const { events, alarm } = examine(host, layout, input, count);
      // A stream is taken for ready at once: a read then waits for its bytes, which is what the guest wants of it.
      if (events.length === 0 && alarm !== undefined) {
        time.sleepNs(alarm.delayNs);
        events.push({ userdata: alarm.userdata, errno: ERRNO.SUCCESS, type: EVENT_TYPE.CLOCK, bytes: 0n });
      }
      events.forEach((event, i) => writeEvent(host, output + i * EVENT_BYTES, event));
      memory.writeU32(resultPointer, events.length);
    },
  };
}

/** What is ready now, and the alarm that goes off first. */
function examine(
  host: Host,
  layout: SubscriptionLayout,
  input: number,
  count: number,
): { events: PolledEvent[]; alarm: Alarm | undefined } {
  const events: PolledEvent[] = [];
  let alarm: Alarm | undefined;
  for (let i = 0; i < count; i++) {
    const at = input + i * layout.size;
    const userdata = host.memory.readU64(at);
    const type = host.memory.readU8(at + 8);
    if (type === EVENT_TYPE.CLOCK) {
      const delayNs = alarmDelayNs(host, layout, at);
      if (delayNs === undefined) events.push({ userdata, errno: ERRNO.INVAL, type, bytes: 0n });
      else if (alarm === undefined || delayNs < alarm.delayNs) alarm = { userdata, delayNs };
    } else if (type === EVENT_TYPE.FD_READ || type === EVENT_TYPE.FD_WRITE) {
      events.push({ userdata, type, ...readiness(host, host.memory.readU32(at + 16), type) });
    } else {
      events.push({ userdata, errno: ERRNO.INVAL, type, bytes: 0n });
    }
  }
  return { events, alarm };
}

/** Undefined for a clock that cannot wake anybody. */
function alarmDelayNs({ memory, time }: Host, layout: SubscriptionLayout, at: number): bigint | undefined {
  const id = memory.readU32(at + layout.clockId);
  if (id !== CLOCK.REALTIME && id !== CLOCK.MONOTONIC) return undefined;
  const timeout = memory.readU64(at + layout.timeout);
  if ((memory.readU16(at + layout.clockFlags) & CLOCK_IS_ABSOLUTE) === 0) return timeout;
  const now = readClock(time, id);
  return timeout > now ? timeout - now : 0n;
}

function readiness({ descriptors }: Host, fd: number, type: number): { errno: Errno; bytes: bigint } {
  const entry = descriptors.find(fd);
  if (entry === undefined || entry.kind === 'directory') return { errno: ERRNO.BADF, bytes: 0n };
  if (entry.kind === 'stream' || type === EVENT_TYPE.FD_WRITE) return { errno: ERRNO.SUCCESS, bytes: 1n };
  try {
    const left = fs.fstatSync(entry.hostFd).size - entry.offset;
    return { errno: ERRNO.SUCCESS, bytes: BigInt(Math.max(0, left)) };
  } catch (error) {
    return { errno: errnoOf(error) ?? ERRNO.IO, bytes: 0n };
  }
}

function writeEvent({ memory }: Host, at: number, event: PolledEvent): void {
  memory.fill(at, EVENT_BYTES, 0);
  memory.writeU64(at, event.userdata);
  memory.writeU16(at + 8, event.errno);
  memory.writeU8(at + 10, event.type);
  memory.writeU64(at + 16, event.bytes);
}
