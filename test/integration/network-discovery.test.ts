import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Network, RequestHandler } from '../../src/interface/network.ts';
import { addressOfPeerId } from '../../src/network/index.ts';
import { testIdentity } from '../support/identities.ts';
import { testNodes, until } from '../support/libp2p-nodes.ts';

const nodes = testNodes();
const PROTOCOL = '/ergon/test/1';

function echoing(network: Network): Network {
  const echo: RequestHandler<number> = { check: Number, handle: async (value) => value };
  network.handle({ id: PROTOCOL, requests: { echo: echo as unknown as RequestHandler<never> } });
  return network;
}

const sees = (network: Network, other: Network): boolean =>
  network.peers().some(({ peerId }) => peerId === other.peerId);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('a PeerId is an Ethereum address', () => {
  const { peerId, address } = testIdentity('a');
  expect(addressOfPeerId(peerId)).toBe(address);
  expect(() => addressOfPeerId('12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp')).toThrow('secp256k1');
  expect(() => addressOfPeerId('nonsense')).toThrow('Not a PeerId');
});

describe('bootstrap', () => {
  test('three nodes meet through one address, and gossip passes through the middle', async () => {
    const middle = nodes.node('middle');
    const left = nodes.node('left');
    const got: unknown[] = [];
    const receive = async (body: unknown): Promise<void> => void got.push(body);
    middle.onAnnouncement('topic', async () => undefined);
    left.onAnnouncement('topic', receive);
    await middle.start();
    const leftNode = nodes.node('left', { bootstrap: middle.multiaddrs() });
    leftNode.onAnnouncement('topic', receive);
    const right = nodes.node('right', { bootstrap: middle.multiaddrs() });
    await leftNode.start();
    await right.start();
    await until(() => sees(middle, leftNode) && sees(middle, right));
    expect(sees(leftNode, right)).toBe(false);
    for (let round = 0; got.length === 0; round += 1) {
      await right.announce('topic', { round });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(got[0]).toEqual({ round: expect.any(Number) as number });
  });

  test('a node that starts before its bootstrap peer finds it when it comes, and again when it comes back', async () => {
    const port = await freePort();
    const { peerId } = testIdentity('late');
    const listen = [`/ip4/127.0.0.1/tcp/${port}`];
    const early = nodes.node('early', { bootstrap: [`${listen[0]!}/p2p/${peerId}`] });
    await early.start();
    for (let life = 0; life < 2; life += 1) {
      const late = nodes.node('late', { listen });
      await late.start();
      await until(() => sees(early, late) && sees(late, early));
      await late.stop();
      await until(() => early.peers().length === 0);
    }
  });

  test('settings that cannot be used are told at the start', async () => {
    const taken = nodes.node('a');
    await taken.start();
    const listen = [taken.multiaddrs()[0]!.replace(/\/p2p\/.*/, '')];
    await expect(nodes.node('b', { listen }).start()).rejects.toMatchObject({
      message: expect.stringMatching(/^Cannot listen on \S+: listen EADDRINUSE: .*$/) as string,
    });
    for (const init of [{ listen }, { listen: ['nonsense'] }, { bootstrap: ['/ip4/x'] }]) {
      await expect(nodes.node('b', init).start()).rejects.toMatchObject({ code: 'ERR_NETWORK_START' });
    }
  });
});

describe('reaching a peer', () => {
  test('that is not connected, by the addresses that come with the request', async () => {
    const a = echoing(nodes.node('a'));
    const b = nodes.node('b');
    await Promise.all([a.start(), b.start()]);
    const bad = ['nonsense', '/ip4/127.0.0.1/tcp/1', `/ip4/127.0.0.1/tcp/1/p2p/${b.peerId}`];
    await expect(b.request(a.peerId, PROTOCOL, 'echo', 1)).rejects.toMatchObject({
      code: 'ERR_NETWORK_UNREACHABLE',
    });
    const multiaddrs = [...bad, ...a.multiaddrs()];
    expect(await b.request(a.peerId, PROTOCOL, 'echo', 1, { multiaddrs })).toBe(1);
    expect(sees(b, a)).toBe(true);
  });

  test('that restarted at the same address, without being told', async () => {
    const port = await freePort();
    const listen = [`/ip4/127.0.0.1/tcp/${port}`];
    const b = nodes.node('b');
    await b.start();
    for (let life = 0; life < 3; life += 1) {
      const a = echoing(nodes.node('a', { listen }));
      await a.start();
      expect(await b.request(a.peerId, PROTOCOL, 'echo', life, { multiaddrs: listen })).toBe(life);
      await a.stop();
    }
  });

  test('never reaches another one that listens there instead', async () => {
    const a = echoing(nodes.node('a'));
    const b = nodes.node('b');
    await Promise.all([a.start(), b.start()]);
    const imposed = a.multiaddrs().map((address) => address.replace(/\/p2p\/.*/, ''));
    const request = b.request(testIdentity('c').peerId, PROTOCOL, 'echo', 1, { multiaddrs: imposed });
    await expect(request).rejects.toMatchObject({ code: 'ERR_NETWORK_UNREACHABLE' });
  });
});

describe('who may connect', () => {
  test('a denied peer gets no connection, in either direction', async () => {
    const denied = testIdentity('denied');
    const a = echoing(nodes.node('a', { isDenied: ({ address }) => address === denied.address }));
    const b = echoing(nodes.node('denied'));
    await Promise.all([a.start(), b.start()]);
    const options = { multiaddrs: a.multiaddrs(), timeoutMs: 5000 };
    await expect(b.request(a.peerId, PROTOCOL, 'echo', 1, options)).rejects.toMatchObject({
      code: expect.stringMatching(/UNREACHABLE|TIMEOUT/) as string,
    });
    await expect(
      a.request(b.peerId, PROTOCOL, 'echo', 1, { multiaddrs: b.multiaddrs() }),
    ).rejects.toMatchObject({ code: 'ERR_NETWORK_UNREACHABLE' });
    expect(a.peers()).toEqual([]);
  });

  test('a peer that is denied from now on loses its connection, and is asked and answered nothing more', async () => {
    const late = testIdentity('denied');
    const deny = new Set<string>();
    const isDenied = ({ address }: { address: string }): boolean => deny.has(address);
    const a = echoing(nodes.node('a', { isDenied }));
    const b = echoing(nodes.node('denied'));
    await Promise.all([a.start(), b.start()]);
    const options = { multiaddrs: a.multiaddrs(), timeoutMs: 5000 };
    expect(await b.request(a.peerId, PROTOCOL, 'echo', 1, options)).toBe(1);
    deny.add(late.address);
    a.disconnect(isDenied);
    await until(() => !sees(a, b) && !sees(b, a));
    await expect(b.request(a.peerId, PROTOCOL, 'echo', 2, options)).rejects.toMatchObject({
      code: expect.stringMatching(/UNREACHABLE|TIMEOUT/) as string,
    });
    await expect(
      a.request(b.peerId, PROTOCOL, 'echo', 3, { multiaddrs: b.multiaddrs() }),
    ).rejects.toMatchObject({ code: 'ERR_NETWORK_UNREACHABLE' });
    expect(a.peers()).toEqual([]);
  });

  test('a key that is no Ethereum key gets no connection', async () => {
    const a = echoing(nodes.node('a'));
    await a.start();
    const stranger = await nodes.stranger('Ed25519');
    const { multiaddr } = await import('@multiformats/multiaddr');
    await stranger.dial(multiaddr(a.multiaddrs()[0])).catch(() => undefined);
    await until(() => stranger.getConnections().length === 0);
    expect(a.peers()).toEqual([]);
  });
});

/** Whether a multicast datagram comes back on this machine at all. */
async function multicastWorks(): Promise<boolean> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  try {
    return await new Promise<boolean>((resolve) => {
      socket.on('error', () => resolve(false));
      socket.on('message', () => resolve(true));
      socket.bind(0, () => {
        socket.addMembership('224.0.0.251');
        socket.setMulticastLoopback(true);
        socket.send('ergon', socket.address().port, '224.0.0.251', (error) => {
          if (error !== null) resolve(false);
        });
      });
      setTimeout(() => resolve(false), 10_000);
    });
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

test('mDNS: two nodes of one network find each other without any address', async (context) => {
  if (!(await multicastWorks())) {
    process.stderr.write(
      '\n!!! mDNS NOT TESTED: this machine delivers no multicast datagrams to itself !!!\n\n',
    );
    context.skip('no multicast on this machine');
  }
  const mdns = { port: 50_000 + (process.pid % 10_000) };
  const a = nodes.node('a', { mdns });
  const b = nodes.node('b', { mdns });
  await a.start();
  await b.start();
  await until(() => sees(a, b) && sees(b, a));
});
