import { TopicValidatorResult, type GossipSub, type Message } from '@libp2p/gossipsub';
import type { Logger } from '../../interface/logger.ts';
import type { JsonValue } from '../../interface/store.ts';
import { decodeMessage, encodeMessage } from '../message.ts';

type Receive = (body: unknown) => Promise<void>;

/** Messages that are checked at once; under a flood the rest is dropped, and comes again from other peers. */
const MAX_CHECKING = 256;

/** Announcements over gossipsub: what a receiver refuses is neither delivered nor spread. */
export class Gossip {
  readonly #maxBytes: number;
  readonly #logger: Logger;
  readonly #receivers = new Map<string, Receive[]>();
  #checking = 0;

  constructor(init: { maxBytes: number }, components: { logger: Logger }) {
    this.#maxBytes = init.maxBytes;
    this.#logger = components.logger;
  }

  on(topic: string, receive: Receive): void {
    this.#receivers.set(topic, [...(this.#receivers.get(topic) ?? []), receive]);
  }

  /** Subscribes to the topics that have receivers. */
  attach(pubsub: GossipSub): void {
    for (const topic of this.#receivers.keys()) this.attachTopic(pubsub, topic);
  }

  attachTopic(pubsub: GossipSub, topic: string): void {
    pubsub.topicValidators.set(topic, (peer, message) => this.#validate(topic, peer.toString(), message));
    pubsub.subscribe(topic);
  }

  async publish(pubsub: GossipSub, topic: string, body: JsonValue): Promise<void> {
    await pubsub.publish(topic, encodeMessage(body, this.#maxBytes));
  }

  async #validate(topic: string, peerId: string, message: Message): Promise<TopicValidatorResult> {
    if (message.data.byteLength > this.#maxBytes) return TopicValidatorResult.Reject;
    if (this.#checking >= MAX_CHECKING) return TopicValidatorResult.Ignore;
    this.#checking += 1;
    try {
      return await this.#deliver(topic, peerId, message.data);
    } finally {
      this.#checking -= 1;
    }
  }

  async #deliver(topic: string, peerId: string, data: Uint8Array): Promise<TopicValidatorResult> {
    let body: unknown;
    try {
      body = decodeMessage(data);
    } catch {
      return TopicValidatorResult.Reject;
    }
    try {
      // Each receiver gets its own copy: one must not change what the next one sees.
      for (const receive of this.#receivers.get(topic) ?? []) await receive(structuredClone(body));
      return TopicValidatorResult.Accept;
    } catch (err) {
      // Ignore, not Reject: what is stale or unknown here may be honest, and a penalty would fall on the relay.
      this.#logger.debug({ err, topic, peerId }, 'an announcement was dropped');
      return TopicValidatorResult.Ignore;
    }
  }
}
