import { mkdtemp, rm } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalNode, type NodeConfig } from '../../scripts/local-node.ts';
import type { Offer } from '../../src/interface/index.ts';
import type { Page } from './market-pair.ts';

interface Peers {
  readonly items: readonly { readonly peerId: string }[];
}

describe('two nodes from empty directories', () => {
  let dir: string;
  let nodes: LocalNode[];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ergon-discovery-'));
    nodes = [];
  });
  afterEach(async () => {
    for (const node of nodes.reverse()) await node.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const start = async (name: string, config: NodeConfig): Promise<LocalNode> => {
    const node = await LocalNode.start(join(dir, name), { name, ...config });
    nodes.push(node);
    return node;
  };

  const meet = async (first: LocalNode, second: LocalNode): Promise<void> => {
    const { peerId } = await second.info();
    await first.until('the other peer', async () => {
      const { items } = await first.call<Peers>('GET', '/v1/peers');
      return items.some((peer) => peer.peerId === peerId) ? true : undefined;
    });
  };

  it('find each other by a bootstrap address, and the offer travels', async () => {
    const provider = await start('provider', {});
    const { multiaddrs, address } = await provider.info();
    const requestor = await start('requestor', {
      provider: { enabled: false },
      network: { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, bootstrap: multiaddrs },
    });
    await meet(requestor, provider);
    await meet(provider, requestor);
    const offer = await requestor.until('the offer', async () => {
      const { items } = await requestor.call<Page<{ offer: Offer }>>('GET', '/v1/offers');
      return items.find((each) => each.offer.provider === address)?.offer;
    });
    expect(offer.properties['golem.runtime.name']).toBe('wasi');
  });

  it('learn of an offer through a third node that both know', async () => {
    const middle = await start('middle', { provider: { enabled: false } });
    const network = {
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: false,
      bootstrap: (await middle.info()).multiaddrs,
    };
    const requestor = await start('requestor', { provider: { enabled: false }, network });
    await meet(requestor, middle);
    const provider = await start('provider', { network });
    const { address } = await provider.info();
    await requestor.until(
      'the offer by gossip',
      async () => {
        const { items } = await requestor.call<Page<{ offer: Offer }>>('GET', '/v1/offers');
        return items.find((each) => each.offer.provider === address)?.offer;
      },
      60_000,
    );
  });

  it('find each other by multicast DNS, where multicast works', async () => {
    if (!(await multicastWorks())) {
      process.stderr.write('NO MULTICAST on this machine: discovery by mDNS was not tried\n');
      return;
    }
    const network = { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: true };
    const one = await start('one', { network });
    const other = await start('other', { network });
    await meet(one, other);
  });
});

/** Whether a datagram to the mDNS group comes back to this machine. */
async function multicastWorks(): Promise<boolean> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  try {
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), 10_000);
      socket.on('error', () => resolve(false));
      socket.on('message', (message) => {
        if (message.toString() !== 'ergon-probe') return;
        clearTimeout(timer);
        resolve(true);
      });
      socket.bind(0, () => {
        try {
          socket.addMembership('224.0.0.251');
          socket.setMulticastLoopback(true);
          socket.send('ergon-probe', socket.address().port, '224.0.0.251');
        } catch {
          resolve(false);
        }
      });
    });
  } finally {
    socket.close();
  }
}
