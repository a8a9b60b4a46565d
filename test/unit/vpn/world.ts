import { duplexPair, type Duplex } from 'node:stream';
import type { DeployNetwork, Networks, PeerStream } from '../../../src/interface/index.ts';
import { ExeUnitError } from '../../../src/exe-unit/errors.ts';
import { memoryNetwork, type MemoryHub } from '../../../src/network/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { newId } from '../../../src/util/id.ts';
import { parseIpv4 } from '../../../src/util/ipv4.ts';
import { encodeFrame, FrameDecoder } from '../../../src/vpn/frames.ts';
import { vpn } from '../../../src/vpn/index.ts';
import { testIdentity } from '../../support/identities.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { packetOf } from './packets.ts';

const clock = systemClock();
export const address = (ip: string): number => parseIpv4(ip) ?? 0;

/** The container's end of an activity's packets. */
export class Container {
  readonly got: string[] = [];
  readonly #decoder = new FrameDecoder();
  /** The daemon's end, while one is open. */
  line: Duplex | undefined;
  #inside: Duplex | undefined;

  open(): Duplex {
    const [inside, outside] = duplexPair();
    this.#inside = inside;
    this.line = outside;
    inside.on('data', (chunk: Buffer) => {
      for (const packet of this.#decoder.take(chunk)) this.got.push(packet.subarray(20).toString());
    });
    return outside;
  }

  send(from: string, to: string, payload: string): void {
    this.#inside?.write(encodeFrame(packetOf(address(from), address(to), payload)));
  }
}

/** Nodes with the networks' part of a daemon each, connected in memory. */
export class VpnWorld {
  readonly hub: MemoryHub = memoryNetwork();
  readonly requestor = this.#node('requestor');
  readonly #stops: (() => Promise<void>)[] = [];
  /** Names of those that the requestor has an agreement with. */
  readonly agreed = new Set<string>();

  async start(): Promise<void> {
    await this.requestor.start();
    this.#stops.push(() => this.requestor.stop());
  }

  get networks(): Networks {
    return this.requestor.networks;
  }

  id(name: string): string {
    return testIdentity(name).address.toLowerCase();
  }

  /** A provider with one activity of the requestor's in the network. */
  async provider(name: string, network: DeployNetwork, owner = 'requestor') {
    this.agreed.add(name);
    const container = new Container();
    const node = this.#node(name, { container, network, owner });
    await node.start();
    this.#stops.push(() => node.stop());
    return { container, ...node };
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.reverse()) await stop();
  }

  #node(name: string, activity?: { container: Container; network: DeployNetwork; owner: string }) {
    const identity = testIdentity(name);
    const network = this.hub.join(identity);
    const store = memoryStore({ clock });
    const parts = vpn({
      store,
      network,
      clock,
      logger: silentLogger,
      newId,
      peerOf: async (wanted) => {
        const found = [...this.agreed]
          .map(testIdentity)
          .find((each) => each.address.toLowerCase() === wanted);
        return found && { peerId: found.peerId, multiaddrs: [] };
      },
      ...(activity !== undefined && {
        sold: {
          live: async () => ['activity'],
          requestorOf: async () => testIdentity(activity.owner),
          networks: {
            networks: async () => [activity.network],
            openPackets: async () => activity.container.open(),
            openConnection: async (_id, _index, ip, port) => {
              if (port === 7) return echo();
              const message = `No connection to ${ip}:${port}`;
              throw new ExeUnitError('ERR_EXE_UNIT_CONNECT_FAILED', message, { error: 'ECONNREFUSED' });
            },
          },
        },
      }),
    });
    return {
      network,
      networks: parts.networks,
      start: async () => {
        await store.start();
        await network.start();
        await parts.start();
      },
      pause: async () => {
        await parts.stop();
        await network.stop();
      },
      resume: async () => {
        await network.start();
        await parts.start();
      },
      stop: async () => {
        await parts.stop();
        await network.stop();
        await store.stop();
      },
    };
  }
}

function echo(): Duplex {
  const [near, far] = duplexPair();
  far.pipe(far);
  return near;
}

export async function textOf(stream: PeerStream): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
