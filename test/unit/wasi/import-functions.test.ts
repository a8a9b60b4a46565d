import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { coerce } from '../../../runtimes/wasi/host/import-functions.ts';
import { CALL_NAMES, isCallName, SIGNATURES } from '../../../runtimes/wasi/host/signatures.ts';
import { DATA, E, Guest, O, RESULT_AT, volume } from './guest.ts';

describe('the functions that a guest imports', () => {
  let place: ReturnType<typeof volume>;
  beforeEach(() => (place = volume()));
  afterEach(() => place.done());

  it('takes every integer as preview1 means it', () => {
    expect(coerce('u32', -1)).toBe(0xffffffff);
    expect(coerce('u64', -1n)).toBe(2n ** 64n - 1n);
    expect(coerce('s64', 2n ** 63n)).toBe(-(2n ** 63n));
  });

  it('takes a count, a clock and a descriptor of 2³¹ and more for what they are, not for negative ones', () => {
    const guest = new Guest({ preopens: [{ hostPath: place.root, guestPath: '/' }] });
    expect(guest.call.poll_oneoff(0, 1024, -1, RESULT_AT)).toBe(E.INVAL);
    expect(guest.call.clock_time_get(-1, 0n, RESULT_AT)).toBe(E.INVAL);
    expect(guest.call.clock_res_get(-2147483648, RESULT_AT)).toBe(E.INVAL);
    expect(guest.call.fd_close(-1)).toBe(E.BADF);
    expect(guest.call.fd_write(1, 0, -1, RESULT_AT)).toBe(E.FAULT);
  });

  it('fills random bytes only where they fit, and touches nothing when they do not', () => {
    const guest = new Guest();
    guest.bytes.fill(0x55);
    const size = guest.bytes.length;
    expect(guest.call.random_get(0, -2147483648)).toBe(E.FAULT);
    expect(guest.call.random_get(DATA, size)).toBe(E.FAULT);
    expect(guest.call.random_get(-16, 16)).toBe(E.FAULT);
    expect(guest.bytes.every((byte) => byte === 0x55)).toBe(true);
    expect(guest.call.random_get(size - 70_000, 70_000)).toBe(0);
    expect(guest.bytes.subarray(size - 16).every((byte) => byte === 0x55)).toBe(false);
  });

  it('makes a fault of a wrong pointer before anything happens', () => {
    const guest = new Guest({ preopens: [{ hostPath: place.root, guestPath: '/' }] });
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT });
    expect(guest.call.fd_write(fd, ...guest.vector(DATA, 3), -4)).toBe(E.FAULT);
    expect(guest.call.fd_filestat_get(fd, RESULT_AT)).toBe(0);
    expect(guest.view.getBigUint64(RESULT_AT + 32, true)).toBe(0n);
  });

  it('is closed before the memory is there', () => {
    const guest = new Guest({ attached: false });
    expect(guest.call.random_get(0, 1)).toBe(E.FAULT);
    expect(guest.call.fd_write(1, 0, 0, 0)).toBe(E.FAULT);
  });

  it('answers any arguments whatever with an errno, and never fails itself', () => {
    const word = fc.oneof(
      fc.integer({ min: 0, max: 9 }),
      fc.integer(),
      fc.constantFrom(-1, RESULT_AT, 1024, 131_072),
    );
    const long = fc.oneof(fc.bigInt(-3n, 3n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
    // These end the guest, which is no errno.
    const names = CALL_NAMES.filter(isCallName).filter(
      (name) => name !== 'proc_exit' && name !== 'proc_raise',
    );
    const call = fc
      .constantFrom(...names)
      .chain((name) =>
        fc.tuple(
          fc.constant(name),
          fc.tuple(...SIGNATURES[name].map((kind) => (kind === 'u32' ? word : long))),
        ),
      );
    const guest = new Guest({
      preopens: [{ hostPath: place.root, guestPath: '/' }],
      quota: { bytes: 1 << 20, entries: 100 },
      stdio: [7001, 7001, 7001],
    });
    guest.text('dir/../a');
    fc.assert(
      fc.property(fc.array(call, { maxLength: 20 }), fc.uint8Array({ maxLength: 64 }), (calls, noise) => {
        guest.bytes.set(noise, 1024);
        for (const [name, args] of calls) {
          const answer =
            (guest.call as Readonly<Record<string, (...a: unknown[]) => number>>)[name]?.(...args) ?? 0;
          expect(answer).toBeGreaterThanOrEqual(0);
          expect(answer).toBeLessThanOrEqual(76);
        }
        expect(guest.faults).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
