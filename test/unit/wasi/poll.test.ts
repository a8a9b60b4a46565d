import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { E, O, RESULT_AT, guestForEach, volume, Guest, type Volume } from './guest.ts';

const IN = 1024;
const OUT = 4096;

describe('poll_oneoff', () => {
  let guest: Guest;
  let place: Volume;
  guestForEach('/', (made) => ({ guest, place } = made));

  function subscribeClock(i: number, userdata: bigint, id: number, timeout: bigint, absolute = false): void {
    const at = IN + 48 * i;
    guest.view.setBigUint64(at, userdata, true);
    guest.view.setUint8(at + 8, 0);
    guest.view.setUint32(at + 16, id, true);
    guest.view.setBigUint64(at + 24, timeout, true);
    guest.view.setUint16(at + 40, absolute ? 1 : 0, true);
  }
  function subscribeFd(i: number, userdata: bigint, type: number, fd: number): void {
    const at = IN + 48 * i;
    guest.view.setBigUint64(at, userdata, true);
    guest.view.setUint8(at + 8, type);
    guest.view.setUint32(at + 16, fd, true);
  }
  const events = (): { userdata: bigint; errno: number; bytes: bigint }[] =>
    Array.from({ length: guest.result32() }, (_, i) => ({
      userdata: guest.view.getBigUint64(OUT + 32 * i, true),
      errno: guest.view.getUint16(OUT + 32 * i + 8, true),
      bytes: guest.view.getBigUint64(OUT + 32 * i + 16, true),
    }));

  it('sleeps until the first of its clocks, by duration or by time', () => {
    subscribeClock(0, 1n, 1, 9_000n);
    subscribeClock(1, 2n, 1, 5_000_001_000n, true);
    expect(guest.call.poll_oneoff(IN, OUT, 2, RESULT_AT)).toBe(0);
    expect(guest.slept).toEqual([1_000n]);
    expect(events()).toEqual([{ userdata: 2n, errno: 0, bytes: 0n }]);
  });

  it('does not sleep for a time that has passed', () => {
    subscribeClock(0, 1n, 0, 5n, true);
    guest.call.poll_oneoff(IN, OUT, 1, RESULT_AT);
    expect(guest.slept).toEqual([0n]);
  });

  it('says of each descriptor whether it can be read or written', () => {
    fs.writeFileSync(path.join(place.root, 'file'), '12345');
    const { fd } = guest.open(3, 'file');
    guest.read(fd, 2);
    subscribeFd(0, 1n, 1, fd);
    subscribeFd(1, 2n, 2, 1);
    subscribeFd(2, 3n, 1, 99);
    subscribeFd(3, 4n, 1, 3);
    subscribeClock(4, 5n, 7, 1n);
    subscribeFd(5, 6n, 77, 0);
    expect(guest.call.poll_oneoff(IN, OUT, 6, RESULT_AT)).toBe(0);
    expect(guest.slept).toEqual([]);
    expect(events()).toEqual([
      { userdata: 1n, errno: 0, bytes: 3n },
      { userdata: 2n, errno: 0, bytes: 1n },
      { userdata: 3n, errno: E.BADF, bytes: 0n },
      { userdata: 4n, errno: E.BADF, bytes: 0n },
      { userdata: 5n, errno: E.INVAL, bytes: 0n },
      { userdata: 6n, errno: E.INVAL, bytes: 0n },
    ]);
  });

  it('wants at least one subscription, and a bounded number', () => {
    expect(guest.call.poll_oneoff(IN, OUT, 0, RESULT_AT)).toBe(E.INVAL);
    expect(guest.call.poll_oneoff(IN, OUT, 65_537, RESULT_AT)).toBe(E.INVAL);
    expect(guest.call.poll_oneoff(IN, OUT, 65_536, RESULT_AT)).toBe(E.FAULT);
  });

  it('has clocks that only go by what they are', () => {
    expect(guest.call.clock_time_get(0, 0n, RESULT_AT)).toBe(0);
    expect(guest.result64()).toBe(1_700_000_000_123_456_789n);
    expect(guest.call.clock_time_get(2, 0n, RESULT_AT)).toBe(0);
    expect(guest.result64()).toBe(7_000n);
    expect(guest.call.clock_time_get(4, 0n, RESULT_AT)).toBe(E.INVAL);
    expect(guest.open(3, 'x', { oflags: O.CREAT }).errno).toBe(0);
  });
});

describe('sockets', () => {
  it('are nothing that a guest has', () => {
    const place = volume();
    const guest = new Guest({ preopens: [{ hostPath: place.root, guestPath: '/' }] });
    for (const call of ['sock_accept', 'sock_recv', 'sock_send', 'sock_shutdown'] as const) {
      expect(guest.call[call](1, 0, 0, 0, 0, 0)).toBe(E.NOTSOCK);
      // A directory is no descriptor to them: what the conformance suite expects of a program that has one.
      expect(guest.call[call](3, 0, 0, 0, 0, 0)).toBe(E.BADF);
      expect(guest.call[call](9, 0, 0, 0, 0, 0)).toBe(E.BADF);
    }
    place.done();
  });
});
