/*
 * What supervisor and init say to each other through two pipes, in little-endian numbers of 32 bits.
 *
 * To init: [size of all][type][…]
 *   R  run id, has stdin (0 or 1), number of arguments, number of variables; then strings that end with a zero byte:
 *      the working directory, the arguments, the variables as NAME=value
 *   K  signal: for every process but init
 *   P  any number: answered by H
 * From init, 12 bytes each: [type][run id][value]
 *   H  the number of the P
 *   S  the command runs
 *   E  it could not be started: errno
 *   X  it has ended: status as of wait(2)
 */

export type InitEventType = 'H' | 'S' | 'E' | 'X';

/** What init says: `id` is the request that it belongs to, `value` what the type gives it as a meaning. */
export interface InitEvent {
  readonly type: InitEventType;
  readonly id: number;
  readonly value: number;
}

/** A program for init to start. */
export interface RunRequest {
  readonly id: number;
  readonly hasStdin: boolean;
  readonly cwd: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** As many bytes as init has room for. */
export const MAX_MESSAGE_BYTES = 1 << 20;
export const EVENT_BYTES = 12;

/** Undefined when it is too long, or has a zero byte in it, which no argument can have. */
export function encodeRun(request: RunRequest): Buffer | undefined {
  const variables = Object.entries(request.env).map(([name, value]) => `${name}=${value}`);
  const strings = [request.cwd, ...request.args, ...variables];
  if (strings.some((text) => text.includes('\0'))) return undefined;
  const text = Buffer.from(strings.map((string) => `${string}\0`).join(''));
  const message = encode(
    'R',
    [request.id, request.hasStdin ? 1 : 0, request.args.length, variables.length],
    text,
  );
  return message.length <= MAX_MESSAGE_BYTES ? message : undefined;
}

/** The message that has init send this signal to every process of the container but itself. */
export function encodeKill(signal: number): Buffer {
  return encode('K', [signal]);
}

/** The message that init answers with the same `id`. */
export function encodePing(id: number): Buffer {
  return encode('P', [id]);
}

function encode(type: string, numbers: readonly number[], rest: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(8 + 4 * numbers.length);
  head.writeUInt32LE(head.length + rest.length, 0);
  head.writeUInt32LE(type.charCodeAt(0), 4);
  numbers.forEach((number, index) => head.writeUInt32LE(number, 8 + 4 * index));
  return Buffer.concat([head, rest]);
}

/** Takes bytes as they come, gives whole events; what is no event is passed over. */
export class EventDecoder {
  #rest: Buffer = Buffer.alloc(0);

  take(bytes: Uint8Array): InitEvent[] {
    const all = Buffer.concat([this.#rest, bytes]);
    const whole = all.length - (all.length % EVENT_BYTES);
    this.#rest = all.subarray(whole);
    const events: InitEvent[] = [];
    for (let at = 0; at < whole; at += EVENT_BYTES) {
      const type = String.fromCharCode(all.readUInt8(at));
      if (isEventType(type))
        events.push({ type, id: all.readUInt32LE(at + 4), value: all.readInt32LE(at + 8) });
    }
    return events;
  }
}

function isEventType(type: string): type is InitEventType {
  return type === 'H' || type === 'S' || type === 'E' || type === 'X';
}

/** How a process ended, from its wait(2) status. */
export type WaitStatus =
  { readonly kind: 'exited'; readonly code: number } | { readonly kind: 'signaled'; readonly signal: number };

/** Takes wait(2)'s status apart. */
export function waitStatus(status: number): WaitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: 'exited', code: (status >> 8) & 0xff } : { kind: 'signaled', signal };
}
