import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatIpv4,
  isHost,
  isReserved,
  isWithin,
  lastOf,
  maskOf,
  overlap,
  parseIpv4,
  prefixOf,
  subnetOf,
} from '../../../src/util/ipv4.ts';

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const prefix = fc.integer({ min: 0, max: 32 });
const parsed = (text: string): number => parseIpv4(text) ?? -1;

describe('IPv4', () => {
  it('reads what it writes, and nothing that only looks alike', () => {
    fc.assert(fc.property(address, (number) => parseIpv4(formatIpv4(number)) === number));
    for (const text of [
      '',
      '1.2.3',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4.5',
      ' 1.2.3.4',
      '0x1.2.3.4',
      '1.2.3.-4',
    ])
      expect(parseIpv4(text)).toBeUndefined();
  });

  it('knows the masks, and that others are none', () => {
    fc.assert(fc.property(prefix, (bits) => prefixOf(maskOf({ prefix: bits })) === bits));
    expect(formatIpv4(maskOf({ prefix: 20 }))).toBe('255.255.240.0');
    expect(prefixOf(parsed('255.0.255.0'))).toBeUndefined();
  });

  it('puts an address into its subnet, between the first and the last', () => {
    fc.assert(
      fc.property(address, prefix, (number, bits) => {
        const subnet = subnetOf(number, bits);
        expect(isWithin(subnet, number)).toBe(true);
        expect(subnet.base <= number && number <= lastOf(subnet)).toBe(true);
        expect(isHost(subnet, number)).toBe(number !== subnet.base && number !== lastOf(subnet));
      }),
    );
  });

  it('sees overlaps both ways', () => {
    fc.assert(
      fc.property(address, prefix, address, prefix, (a, aBits, b, bBits) => {
        const [one, other] = [subnetOf(a, aBits), subnetOf(b, bBits)];
        const shared = one.base <= lastOf(other) && other.base <= lastOf(one);
        expect(overlap(one, other)).toBe(shared);
        expect(overlap(other, one)).toBe(shared);
      }),
    );
  });

  it('leaves loopback, link-local and multicast alone', () => {
    const reserved = (text: string, bits: number): boolean => isReserved(subnetOf(parsed(text), bits));
    expect([reserved('127.1.0.0', 16), reserved('169.254.1.0', 24), reserved('224.0.0.0', 8)]).toEqual([
      true,
      true,
      true,
    ]);
    expect([reserved('192.168.0.0', 24), reserved('10.0.0.0', 8), reserved('100.64.0.0', 10)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
