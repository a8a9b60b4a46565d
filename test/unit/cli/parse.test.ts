import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CliError } from '../../../src/cli/errors.ts';
import { amount, bytes, counter, duration, safe, time } from '../../../src/cli/format.ts';
import {
  parseCount,
  parseDirectory,
  parseDuration,
  parseEnv,
  parseInput,
  parseOutput,
  parseSize,
} from '../../../src/cli/parse.ts';

describe('what people write', () => {
  test.each([
    ['65536', 65_536],
    ['256MiB', 268_435_456],
    ['1.5GB', 1_500_000_000],
    ['1 kib', 1024],
  ])('size %s', (text, value) => expect(parseSize(text)).toBe(value));

  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('duration %s', (text, value) => expect(parseDuration(text)).toBe(value));

  test.each(['', '-1', '1', 'x', '1 year', '1e9s', 'NaN', '999999999999999d', '1..5s'])(
    '"%s" is no duration',
    (text) => {
      expect(() => parseDuration(text)).toThrow(CliError);
    },
  );

  test('anything else is refused in our words, never a crash', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [
          parseSize,
          parseDuration,
          parseCount,
          parseEnv,
          parseInput,
          parseOutput,
          parseDirectory,
        ]) {
          try {
            parse(text);
          } catch (error) {
            expect(error).toBeInstanceOf(CliError);
          }
        }
      }),
    );
  });

  test('paths of both sides', () => {
    expect(parseInput('C:\\a:/in.ts')).toEqual({ local: 'C:\\a', guest: '/in.ts' });
    expect(parseInput('./in:put.ts:/in.ts')).toEqual({ local: './in:put.ts', guest: '/in.ts' });
    expect(parseOutput('/out/a.js:./b.js')).toEqual({ guest: '/out/a.js', local: './b.js' });
    expect(parseOutput('/out/a.js')).toEqual({ guest: '/out/a.js', local: 'a.js' });
    expect(parseDirectory('.::/work:ro')).toEqual({ hostPath: '.', guestPath: '/work', readOnly: true });
    expect(parseDirectory('/data')).toEqual({ hostPath: '/data', guestPath: '/data', readOnly: false });
    expect(parseEnv('A=b=c', { Z: '1' })).toEqual({ Z: '1', A: 'b=c' });
  });
});

describe('what people read', () => {
  const tokens = [{ platform: 'ledger', symbol: 'ERG', decimals: 18 }];
  test('amounts, sizes, durations, counters', () => {
    expect(amount('1500000000000000000', 'ledger', tokens)).toBe('1.5 ERG');
    expect(amount('7', 'other', tokens)).toBe('7 units of other');
    expect([0, 1023, 1024, 1536, 2 ** 30].map(bytes)).toEqual(['0 B', '1023 B', '1 KiB', '1.5 KiB', '1 GiB']);
    expect([5, 1500, 61_000, 3_661_000, 90_000_000].map(duration)).toEqual([
      '5 ms',
      '1.5 s',
      '1m 1s',
      '1h 1m',
      '1d 1h',
    ]);
    expect(counter('1500000001')).toBe('1.500000001');
  });

  test('local time keeps the instant', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (at) => {
        expect(Date.parse(time(at))).toBe(at);
      }),
    );
  });

  test('a stranger’s text cannot steer the terminal', () => {
    expect(safe('a\u001b[2Jb\r\u202ec\u009b')).toBe('a\ufffd[2Jb\ufffd\ufffdc\ufffd');
  });
});
