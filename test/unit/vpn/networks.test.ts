import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeployNetwork } from '../../../src/interface/index.ts';
import { encodeFrame } from '../../../src/vpn/frames.ts';
import { encodeJson, PACKETS_PROTOCOL, VPN_PROTOCOL } from '../../../src/vpn/wire.ts';
import { testIdentity } from '../../support/identities.ts';
import { packetOf } from './packets.ts';
import { address, textOf, VpnWorld } from './world.ts';

const A = '10.0.0.2';
const B = '10.0.0.3';
const C = '10.0.0.4';
const STRANGER = '10.0.0.9';

describe('a network between the activities of two providers', () => {
  let world: VpnWorld;
  let id: string;
  let a: Awaited<ReturnType<VpnWorld['provider']>>;
  let b: Awaited<ReturnType<VpnWorld['provider']>>;
  let c: Awaited<ReturnType<VpnWorld['provider']>>;
  const place = (nodeIp: string): DeployNetwork => ({
    id,
    ip: '10.0.0.0',
    mask: '255.255.255.0',
    nodes: {},
    nodeIp,
  });
  /** Says it over and over: packets may be lost while a link forms. */
  const said = async (from: typeof a, source: string, to: typeof a, target: string, text: string) =>
    expect
      .poll(
        () => {
          from.container.send(source, target, text);
          return to.container.got;
        },
        { timeout: 10_000 },
      )
      .toContain(text);

  beforeEach(async () => {
    world = new VpnWorld();
    await world.start();
    ({ id } = await world.networks.create({ ip: '10.0.0.0/24' }));
    await world.networks.addNode(id, { id: world.id('a'), ip: A });
    await world.networks.addNode(id, { id: world.id('b'), ip: B });
    a = await world.provider('a', place(A));
    b = await world.provider('b', place(B));
    await world.networks.addNode(id, { id: world.id('c'), ip: C });
    c = await world.provider('c', place(C));
  });
  afterEach(() => world.stop());

  it('carries packets both ways, and none with a foreign source or elsewhere', async () => {
    await said(a, A, b, B, 'there');
    await said(b, B, a, A, 'back');
    for (const [source, target] of [
      [STRANGER, B],
      [B, B],
      [A, STRANGER],
      [A, '8.8.8.8'],
      [A, '10.0.0.255'],
    ] as const)
      a.container.send(source, target, `${source} to ${target}`);
    await said(a, A, b, B, 'last');
    expect(new Set(b.container.got)).toEqual(new Set(['there', 'last']));
  });

  it('takes no packet that a node sends in the name of another one', async () => {
    await said(a, A, b, B, 'there');
    const before = b.container.got.length;
    const header = encodeFrame(encodeJson({ networkId: id, owner: world.id('requestor') }));
    const forged = [
      packetOf(address(B), address(B), 'own'),
      packetOf(address(C), address(B), 'another one'),
      packetOf(address(STRANGER), address(B), 'stranger'),
      packetOf(address(A), address(STRANGER), 'elsewhere'),
      packetOf(address(A), address(B), 'right'),
    ];
    const stream = await a.network.openStream(b.network.peerId, PACKETS_PROTOCOL);
    await stream.write(Buffer.concat([header, ...forged.map((packet) => encodeFrame(packet))]));
    await expect.poll(() => b.container.got.slice(before)).toContain('right');
    expect(b.container.got.slice(before).filter((text) => text !== 'there')).toEqual(['right']);
  });

  it('is closed to nodes that are none of it, and to networks of the same name of others', async () => {
    await said(a, A, b, B, 'there');
    const stranger = await world.provider('stranger', place(STRANGER));
    await expect(
      stranger.network.request(world.requestor.network.peerId, VPN_PROTOCOL, 'table', { networkId: id }),
    ).rejects.toMatchObject({ detail: { code: 'ERR_VPN_NOT_FOUND' } });
    for (const [from, owner] of [
      [stranger, 'requestor'],
      [a, 'a'],
      [a, 'stranger'],
    ] as const) {
      const stream = await from.network.openStream(b.network.peerId, PACKETS_PROTOCOL);
      const header = encodeFrame(encodeJson({ networkId: id, owner: world.id(owner) }));
      await stream.write(Buffer.concat([header, encodeFrame(packetOf(address(A), address(B), owner))]));
      await stream.closed;
    }
    expect(new Set(b.container.got)).toEqual(new Set(['there']));
  });

  it('leaves out who is taken from it, and takes in who comes later', async () => {
    await said(a, A, b, B, 'there');
    await world.networks.removeNode(id, world.id('b'));
    await expectCutOff();
    await world.networks.addNode(id, { id: world.id('b'), ip: B });
    await said(a, A, b, B, 'again');
  });

  it('ends with the agreement of a node, and with the network itself', async () => {
    await said(a, A, b, B, 'there');
    await expect(world.networks.connect(id, B, 7)).resolves.toBeDefined();
    world.agreed.delete('b');
    await expect(world.networks.connect(id, B, 7)).rejects.toMatchObject({ code: 'ERR_VPN_NO_ROUTE' });
    await world.networks.remove(id);
    await expect(world.networks.connect(id, A, 7)).rejects.toMatchObject({ code: 'ERR_VPN_NOT_FOUND' });
    await expect(world.networks.get(id)).rejects.toMatchObject({ code: 'ERR_VPN_NOT_FOUND' });
    expect(await world.networks.list()).toEqual([]);
  });

  it('takes up its packets again after their line broke', async () => {
    await said(a, A, b, B, 'there');
    b.container.line?.destroy();
    a.container.line?.destroy();
    await said(a, A, b, B, 'again');
    world.hub.disconnect(testIdentity('a').peerId, testIdentity('b').peerId);
    world.hub.connect(testIdentity('a').peerId, testIdentity('b').peerId);
    await said(a, A, b, B, 'and again');
  });

  it('goes on as it was while its requestor is away, and is there when that comes back', async () => {
    await said(a, A, b, B, 'there');
    await world.requestor.pause();
    b.container.line?.destroy();
    await said(a, A, b, B, 'alone');
    await world.requestor.resume();
    expect(await world.networks.nodes(id)).toHaveLength(3);
    await world.networks.removeNode(id, world.id('b'));
    await expectCutOff();
  });

  it('lets its requestor connect into an activity, and nobody else', async () => {
    await said(a, A, b, B, 'there');
    const stream = await world.networks.connect(id, B, 7);
    expect(world.networks.connections(id)).toMatchObject([{ remoteIp: B, remotePort: 7 }]);
    await stream.write(Buffer.from('hello, '));
    await stream.write(Buffer.from('echo'));
    await stream.end();
    expect(await textOf(stream)).toBe('hello, echo');
    await stream.closed;
    await expect.poll(() => world.networks.connections(id)).toEqual([]);
    await expect(world.networks.connect(id, B, 80)).rejects.toMatchObject({
      code: 'ERR_VPN_CONNECT_FAILED',
      detail: { error: 'ECONNREFUSED' },
    });
    await expect(world.networks.connect(id, STRANGER, 7)).rejects.toMatchObject({ code: 'ERR_VPN_NO_ROUTE' });
    // Another requestor's network of this name is another one.
    await expect(connectAs(a, b)).resolves.toContain('EHOSTUNREACH');
  });

  it('breaks connections to who is taken from it', async () => {
    const stream = await world.networks.connect(id, B, 7);
    await world.networks.removeNode(id, world.id('b'));
    await expect(textOf(stream)).rejects.toThrow(/not in the network any more/);
  });

  /** Nothing of a's reaches b any more, while all of it reaches c. */
  async function expectCutOff(): Promise<void> {
    let turn = 0;
    const reaches = async (): Promise<boolean> => {
      turn += 1;
      const text = `turn ${turn}`;
      a.container.send(A, B, text);
      await said(a, A, c, C, text);
      return b.container.got.includes(text);
    };
    await expect.poll(reaches, { timeout: 10_000 }).toBe(false);
    expect([await reaches(), await reaches(), await reaches()]).toEqual([false, false, false]);
  }

  async function connectAs(from: typeof a, to: typeof a): Promise<string> {
    const stream = await from.network.openStream(to.network.peerId, '/ergon/vpn-connect/1');
    await stream.write(encodeFrame(encodeJson({ networkId: id, ip: B, port: 7 })));
    return textOf(stream);
  }
});
