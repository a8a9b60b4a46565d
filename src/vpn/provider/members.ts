import type { ActivityNetworks, PeerStream, Sender, Startable, StoredEvent } from '../../interface/index.ts';
import { keepTrying } from '../background.ts';
import { VpnError } from '../errors.ts';
import { FrameDecoder, readHeader } from '../frames.ts';
import { endsOf } from '../packet.ts';
import { checkPacketsHeader, CONNECT_PROTOCOL, decodeJson, PACKETS_PROTOCOL } from '../wire.ts';
import type { MembersComponents } from './components.ts';
import { serveConnection } from './serve-connection.ts';
import { Member } from './member.ts';

/** Streams that one peer may have open here: one for each network of its activities, and some on their way out. */
const MAX_PACKET_STREAMS = 64;
const MAX_CONNECT_STREAMS = 128;
const EVENTS = ['activity.state-changed', 'activity.ended'];

/** What networks need to know about the activities that run here. */
export interface SoldActivities {
  /** The requestor of the activity; undefined when there is no such activity or it has ended. */
  requestorOf(activityId: string): Promise<Sender | undefined>;
  /** Ids of the activities that have not ended. */
  live(): Promise<string[]>;
  readonly networks: ActivityNetworks;
}

/** The activities of this node that are in networks. Nothing of it is stored: the work directories say it all. */
export class Members implements Startable {
  readonly #sold: SoldActivities;
  readonly #components: MembersComponents;
  readonly #byActivity = new Map<string, Member[]>();
  #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(sold: SoldActivities, components: MembersComponents) {
    this.#sold = sold;
    this.#components = components;
    const { network } = components;
    network.handleStreams(PACKETS_PROTOCOL, (stream, sender) => this.#takePackets(stream, sender), {
      maxPerPeer: MAX_PACKET_STREAMS,
    });
    network.handleStreams(
      CONNECT_PROTOCOL,
      (stream, sender) =>
        serveConnection(stream, sender, { members: () => this.#all(), ...this.#sold, ...components }),
      { maxPerPeer: MAX_CONNECT_STREAMS },
    );
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController();
    const { store, clock, logger } = this.#components;
    const { signal } = this.#stopping;
    let after = store.events.last();
    for (const activityId of await this.#sold.live()) await this.#look(activityId);
    this.#running = keepTrying({ what: 'activities in networks' }, { clock, logger, signal }, async () => {
      for await (const event of store.events.follow({ after, types: EVENTS }, signal)) {
        await this.#take(event);
        after = event.seq;
      }
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    for (const activityId of [...this.#byActivity.keys()]) await this.#leave(activityId);
  }

  async #take({ subject, data }: StoredEvent): Promise<void> {
    const isSold = typeof data === 'object' && data !== null && 'role' in data && data['role'] === 'provider';
    if (isSold) await this.#look(subject);
  }

  /** Brings what is known of the activity in line with what it is. */
  async #look(activityId: string): Promise<void> {
    const requestor = await this.#sold.requestorOf(activityId);
    if (requestor === undefined) {
      await this.#leave(activityId);
      return;
    }
    if (this.#byActivity.has(activityId)) return;
    const networks = await this.#sold.networks.networks(activityId);
    if (networks.length === 0) return;
    const components = {
      ...this.#components,
      networks: this.#sold.networks,
      neighbour: (member: Member, ip: number) => this.#neighbour(member, ip),
    };
    const members = networks.map(
      (network, index) => new Member({ activityId, index, network, requestor }, components),
    );
    this.#byActivity.set(activityId, members);
    for (const member of members) member.start();
    this.#components.logger.info(
      { activityId, networks: networks.map(({ id }) => id) },
      'activity in networks',
    );
  }

  async #leave(activityId: string): Promise<void> {
    const members = this.#byActivity.get(activityId) ?? [];
    this.#byActivity.delete(activityId);
    await Promise.all(members.map((member) => member.stop()));
  }

  /** Packets of a peer, each of which has to come from an address that is the peer's. */
  async #takePackets(stream: PeerStream, sender: Sender): Promise<void> {
    const { header, body } = await readHeader(stream.bytes);
    const { networkId, owner } = checkPacketsHeader(decodeJson(header));
    const decoder = new FrameDecoder();
    const here = (): Member[] => {
      const members = this.#all().filter(
        (member) => member.isIn(networkId, owner) && member.table.has(sender.address),
      );
      if (members.length > 0) return members;
      throw new VpnError('ERR_VPN_NOT_FOUND', 'No node of such a network is here for this peer');
    };
    here();
    for await (const chunk of body) {
      // Asked again each time: nodes come and go.
      const members = here();
      for (const packet of decoder.take(chunk)) {
        const ends = endsOf(packet);
        if (ends !== undefined)
          members.find((member) => member.table.admits(ends, sender.address))?.deliver(packet);
      }
    }
  }

  #neighbour(of: Member, ip: number): Member | undefined {
    const { network, requestor } = of.init;
    return this.#all().find(
      (member) => member !== of && member.isIn(network.id, requestor.address) && member.table.ip === ip,
    );
  }

  #all(): Member[] {
    return [...this.#byActivity.values()].flat();
  }
}
