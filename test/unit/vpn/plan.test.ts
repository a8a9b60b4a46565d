import { describe, expect, it } from 'vitest';
import { planNetwork, withNode } from '../../../src/vpn/requestor/plan.ts';

const INVALID = expect.objectContaining({ code: 'ERR_VPN_INVALID' });
const id = (digit: string): string => `0x${digit.repeat(40)}`;

describe('a network that a client asks for', () => {
  it('has its mask behind it, beside it, or the one that is usual', () => {
    const usual = { ip: '192.168.0.0', mask: '255.255.255.0' };
    expect(planNetwork({ ip: '192.168.0.0' })).toEqual(usual);
    expect(planNetwork({ ip: '192.168.0.17/24' })).toEqual(usual);
    expect(planNetwork({ ip: '192.168.0.17', mask: '255.255.255.0' })).toEqual(usual);
    expect(planNetwork({ ip: '10.9.0.0/16', gateway: '10.9.0.1' })).toEqual({
      ip: '10.9.0.0',
      mask: '255.255.0.0',
      gateway: '10.9.0.1',
    });
  });

  it.each([
    { ip: 'here' },
    { ip: '192.168.0.0/31' },
    { ip: '192.168.0.0/7' },
    { ip: '192.168.0.0/x' },
    { ip: '192.168.0.0', mask: '255.0.255.0' },
    { ip: '127.0.0.0/24' },
    { ip: '224.0.0.0/24' },
    { ip: '192.168.0.0/24', gateway: '192.168.1.1' },
    { ip: '192.168.0.0/24', gateway: 'there' },
  ])('cannot be $ip $mask $gateway', (wanted) => {
    expect(() => planNetwork(wanted)).toThrow(INVALID);
  });
});

describe('its nodes', () => {
  const network = { id: 'n', ip: '10.0.0.0', mask: '255.255.255.0', nodes: [], createdAt: 0 };
  it('have each an address of their own within it', () => {
    const nodes = withNode(network, { id: id('A'), ip: '10.0.0.2' });
    expect(nodes).toEqual([{ id: id('a'), ip: '10.0.0.2' }]);
    const held = { ...network, nodes };
    expect(withNode(held, { id: id('a'), ip: '10.0.0.2' })).toBe(nodes);
    expect(withNode(held, { id: id('a'), ip: '10.0.0.3' })).toHaveLength(2);
    expect(() => withNode(held, { id: id('b'), ip: '10.0.0.2' })).toThrow(
      expect.objectContaining({ code: 'ERR_VPN_ADDRESS_TAKEN' }),
    );
    for (const ip of ['10.0.0.0', '10.0.0.255', '10.0.1.2', '10.0.0.02'])
      expect(() => withNode(held, { id: id('b'), ip })).toThrow(INVALID);
  });

  it('are bounded', () => {
    const nodes = Array.from({ length: 256 }, (_, n) => ({ id: id('a'), ip: `10.0.0.${n}` }));
    const wide = { ...network, mask: '255.255.0.0', nodes };
    expect(() => withNode(wide, { id: id('b'), ip: '10.0.9.9' })).toThrow(
      expect.objectContaining({ code: 'ERR_VPN_LIMIT' }),
    );
  });
});
