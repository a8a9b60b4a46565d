import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signer, verifier } from '../../src/identity/index.ts';
import type { Network } from '../../src/interface/network.ts';
import { market, type Market } from '../../src/market/index.ts';
import { addressOfPeerId, outboxDispatcher } from '../../src/network/index.ts';
import { levelStore } from '../../src/store/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { newId } from '../../src/util/id.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import type { BenchContext } from './bench.ts';
import { localNetwork } from './local-network.ts';

/** The bodies of one request and of its answer, in bytes. */
export interface RoundTrip {
  readonly kind: string;
  readonly requestBytes: number;
  readonly answerBytes: number;
}

export interface Requestor {
  readonly market: Market;
  /** What its market has asked other nodes, and been answered, since this was last called. */
  takeRoundTrips(): RoundTrip[];
  /** Waits until all messages to other nodes are delivered. */
  delivered(): Promise<void>;
}

const CHAIN_ID = 1;
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** The market of a requestor on real books and a real network, composed as in src/daemon. */
export async function requestor(
  { multiaddrs, peerId }: { readonly multiaddrs: readonly string[]; readonly peerId: string },
  { dir, defer }: BenchContext,
): Promise<Requestor> {
  const ground = { clock: systemClock(), logger: silentLogger };
  const { wallet, network } = localNetwork();
  const store = levelStore({ directory: join(dir, 'requestor'), identity: wallet.address }, ground);
  const outbox = outboxDispatcher({}, { ...ground, store, network });
  const roundTrips: RoundTrip[] = [];
  const theMarket = market(
    {},
    {
      ...ground,
      store,
      network: counted(network, roundTrips),
      outbox,
      signer: signer(wallet, { chainId: CHAIN_ID }),
      verifier: verifier({ chainId: CHAIN_ID }),
      newId,
      addressOfPeerId,
    },
  );
  for (const part of [store, network, outbox, theMarket]) {
    await part.start();
    defer(() => part.stop());
  }
  // The first contact: the provider hands its offers over on it.
  await network.request(peerId, '/ergon/market/1', 'offers.list', {}, { multiaddrs });
  return {
    market: theMarket,
    takeRoundTrips: () => roundTrips.splice(0),
    delivered: async () => {
      while ((await store.outbox.peers()).length > 0) await sleep(5);
    },
  };
}

function counted(network: Network, roundTrips: RoundTrip[]): Parameters<typeof market>[1]['network'] {
  const { peerId, address } = network;
  return {
    peerId,
    address,
    multiaddrs: () => network.multiaddrs(),
    peers: () => network.peers(),
    handle: (protocol) => network.handle(protocol),
    announce: (topic, body) => network.announce(topic, body),
    onAnnouncement: (topic, receive) => network.onAnnouncement(topic, receive),
    onPeer: (listener) => network.onPeer(listener),
    request: async (peer, protocol, kind, body, options) => {
      const answer = await network.request(peer, protocol, kind, body, options);
      roundTrips.push({ kind, requestBytes: bytesOf(body), answerBytes: bytesOf(answer) });
      return answer;
    },
  };
}
