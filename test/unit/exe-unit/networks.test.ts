import { describe, expect, it } from 'vitest';
import { checkNetworks } from '../../../src/exe-unit/supervisor/networks.ts';
import type { DeployNetwork } from '../../../src/interface/vpn.ts';
import { FakeRuntime } from '../../support/fake-runtime.ts';

const { descriptor, supports } = new FakeRuntime();
const able = { descriptor, supports: { ...supports, networks: true } };
const network = (over: Partial<DeployNetwork> = {}): DeployNetwork => ({
  id: 'one',
  ip: '192.168.0.0',
  mask: '255.255.255.0',
  nodes: {},
  nodeIp: '192.168.0.2',
  ...over,
});
const INVALID = expect.objectContaining({ code: 'ERR_EXE_UNIT_NETWORK_INVALID' });

describe('the networks of a deploy', () => {
  it('are refused by a runtime that has none', () => {
    expect(() => checkNetworks([network()], { descriptor, supports })).toThrow(
      expect.objectContaining({ code: 'ERR_EXE_UNIT_NETWORK_UNSUPPORTED' }),
    );
    expect(() => checkNetworks([], { descriptor, supports })).not.toThrow();
  });

  it.each([
    ['a mask with a hole', { mask: '255.0.255.0' }],
    ['a mask of one address', { mask: '255.255.255.255' }],
    ['everything', { mask: '0.0.0.0' }],
    ['loopback', { ip: '127.0.0.0', nodeIp: '127.0.0.2' }],
    ['an address that is none', { ip: '300.1.1.1' }],
    ['a node elsewhere', { nodeIp: '192.168.1.2' }],
    ['the name of the network as a node', { nodeIp: '192.168.0.0' }],
    ['the address of all as a node', { nodeIp: '192.168.0.255' }],
    ['another node elsewhere', { nodes: { '192.168.9.9': `0x${'a'.repeat(40)}` } }],
  ])('cannot be %s', (_what, over) => {
    expect(() => checkNetworks([network(over)], able)).toThrow(INVALID);
  });

  it('may be several, but none within another', () => {
    const wide = network({ id: 'two', ip: '192.168.0.0', mask: '255.255.0.0', nodeIp: '192.168.7.7' });
    const other = network({ id: 'two', ip: '192.168.1.0', nodeIp: '192.168.1.2' });
    expect(() => checkNetworks([network(), other], able)).not.toThrow();
    expect(() => checkNetworks([network(), wide], able)).toThrow(INVALID);
  });
});
