import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv4, parseIpv4 } from '../../../src/util/ipv4.ts';
import { MemberTable } from '../../../src/vpn/provider/table.ts';

const BASE = parseIpv4('10.1.0.0') ?? 0;
const OWN = BASE + 2;
const nodeId = (n: number): string => `0x${n.toString(16).padStart(40, '0')}`;
const table = (owners: ReadonlyMap<number, number>): MemberTable => {
  const made = new MemberTable({ ip: '10.1.0.0', mask: '255.255.0.0', nodeIp: formatIpv4(OWN) });
  const nodes = [...owners].map(([ip, owner]) => ({
    ip: formatIpv4(ip),
    address: nodeId(owner),
    peerId: '1'.repeat(50),
    multiaddrs: [],
  }));
  made.learn({ tag: 'a'.repeat(64), nodes });
  return made;
};

/** Addresses in and around the network, some of them with one of few owners. */
const address = fc.integer({ min: BASE - 4, max: BASE + 12 });
/** The activity's own, more often than not. */
const end = fc.oneof({ weight: 2, arbitrary: fc.constant(OWN) }, { weight: 3, arbitrary: address });
const owners = fc
  .array(fc.tuple(address, fc.integer({ min: 1, max: 4 })), { minLength: 4, maxLength: 24 })
  .map((pairs) => new Map(pairs));

describe('what may pass into and out of an activity', () => {
  it('goes out only from its own address, only to another node of the network', () => {
    fc.assert(
      fc.property(owners, end, end, (held, source, destination) => {
        const node = table(held).route({ source, destination });
        if (node === undefined) return;
        expect(source).toBe(OWN);
        expect(destination).not.toBe(OWN);
        expect(node.address).toBe(nodeId(held.get(destination) ?? 0));
        expect(destination).toBeGreaterThan(BASE);
      }),
    );
  });

  it('comes in only to its own address, only from an address that is the very sender’s', () => {
    fc.assert(
      fc.property(owners, end, end, fc.integer({ min: 1, max: 5 }), (held, source, destination, peer) => {
        const owner = held.get(source);
        const isRight =
          destination === OWN && source !== OWN && source > BASE && owner !== undefined && owner === peer;
        expect(table(held).admits({ source, destination }, nodeId(peer))).toBe(isRight);
      }),
      { numRuns: 1000 },
    );
  });

  it('is nothing before it knows anybody, and nothing any more when the network is gone', () => {
    const known = table(new Map([[BASE + 3, 1]]));
    const [out, back] = [
      { source: OWN, destination: BASE + 3 },
      { source: BASE + 3, destination: OWN },
    ];
    expect([known.route(out)?.address, known.admits(back, nodeId(1))]).toEqual([nodeId(1), true]);
    // Addresses come in either case.
    expect(known.admits(back, nodeId(1).toUpperCase().replace('0X', '0x'))).toBe(true);
    known.forget();
    expect([known.route(out), known.admits(back, nodeId(1)), known.tag]).toEqual([
      undefined,
      false,
      undefined,
    ]);
  });
});
