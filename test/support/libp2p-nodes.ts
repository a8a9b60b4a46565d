import { generateKeyPair } from '@libp2p/crypto/keys';
import { noise } from '@chainsafe/libp2p-noise';
import type { Libp2p, PrivateKey } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { afterEach } from 'vitest';
import type { Network } from '../../src/interface/network.ts';
import { libp2pNetwork, type Libp2pInit } from '../../src/network/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { testIdentity } from './identities.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';

export interface TestNodes {
  /** A node of ours on a free port of loopback; not started. */
  node(name: string, init?: Partial<Libp2pInit>): Network;
  /** A bare libp2p node that may send what it likes, started. */
  stranger(keyType?: 'secp256k1' | 'Ed25519'): Promise<Libp2p>;
}

/** Nodes for the tests of a file; all are stopped after each test. */
export function testNodes(): TestNodes {
  let running: { stop(): unknown }[] = [];
  afterEach(async () => {
    const all = running;
    running = [];
    for (const each of all) await each.stop();
  });
  return {
    node(name, init = {}) {
      const { privateKeyRaw } = testIdentity(name);
      const network = libp2pNetwork(
        { privateKeyRaw, listen: ['/ip4/127.0.0.1/tcp/0'], ...init },
        { clock: systemClock(), logger: silentLogger },
      );
      running.push(network);
      return network;
    },
    async stranger(keyType = 'secp256k1') {
      const privateKey: PrivateKey = await generateKeyPair(keyType);
      const node = await createLibp2p({
        privateKey,
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
      });
      running.push(node);
      return node;
    },
  };
}

/** Polls: what is awaited is real I/O of other nodes. The test's own timeout bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
