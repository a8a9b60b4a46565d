import { isErgonError } from '../../interface/errors.ts';
import type { Offer } from '../../interface/market.ts';
import type { RequestHandler } from '../../interface/network.ts';
import type { JsonValue } from '../../interface/store.ts';
import type { MarketComponents } from '../components.ts';
import {
  KINDS,
  MARKET_PROTOCOL,
  MAX_OFFERS_HANDED_OVER,
  OFFERS_TOPIC,
  checkNothing,
  checkOffers,
} from '../wire.ts';
import { receiveOffer } from './check-offer.ts';
import type { OfferBook } from './offer-book.ts';
import type { OwnOffers } from './own-offers.ts';

const MAX_HANDED_OVER_BYTES = 512 * 1024;

type Components = Pick<MarketComponents, 'network' | 'verifier' | 'addressOfPeerId' | 'clock' | 'logger'> & {
  readonly book: OfferBook;
  readonly own: OwnOffers;
};

/** How offers get here: by gossip, and from each peer that connects, which hands over its own and those it knows. */
export class Discovery {
  readonly #components: Components;
  readonly #asking = new Set<string>();
  #stopListening: (() => void) | undefined;

  constructor(components: Components) {
    this.#components = components;
    components.network.onAnnouncement(OFFERS_TOPIC, async (body) => this.#receive(body));
  }

  start(): void {
    const { network } = this.#components;
    this.#stopListening ??= network.onPeer((peer) => void this.ask(peer.peerId));
    this.askAll();
  }

  stop(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
  }

  /** Asks all connected peers again, for when an announcement was missed; what they know changes the book. */
  askAll(): void {
    for (const peer of this.#components.network.peers()) void this.ask(peer.peerId);
  }

  /** Takes in what the peer has; a peer that does not answer, or answers nonsense, has nothing. */
  async ask(peerId: string): Promise<void> {
    const { network, logger } = this.#components;
    if (this.#asking.has(peerId)) return;
    this.#asking.add(peerId);
    try {
      const { offers } = checkOffers(await network.request(peerId, MARKET_PROTOCOL, KINDS.listOffers, {}));
      for (const offer of offers) this.#tryReceive(offer, peerId);
    } catch (err) {
      logger.debug({ err, peerId }, 'peer handed over no offers');
    } finally {
      this.#asking.delete(peerId);
    }
  }

  /** Our own offers first, then others' that we know. */
  listRequest(): RequestHandler<object> {
    return {
      check: checkNothing,
      handle: async (): Promise<JsonValue> => {
        const { book, own } = this.#components;
        const known = book.list().map(({ offer }) => offer);
        return { offers: withinMessage([...(await own.list()), ...known]) };
      },
    };
  }

  /** Throws for what is not worth passing on. */
  #receive(body: unknown): void {
    const { clock, network, book } = this.#components;
    const checked = receiveOffer(body, clock.now(), this.#components);
    if (checked.offer.peerId !== network.peerId) book.add(checked);
  }

  #tryReceive(offer: unknown, peerId: string): void {
    try {
      this.#receive(offer);
    } catch (err) {
      if (!isErgonError(err)) throw err;
      this.#components.logger.debug({ err, peerId }, 'offer refused');
    }
  }
}

/** As many as one message may hold; whoever asks again later, gets others' from the gossip. */
function withinMessage(offers: readonly Offer[]): Offer[] {
  let bytes = 0;
  return offers.slice(0, MAX_OFFERS_HANDED_OVER).filter((offer) => {
    bytes += JSON.stringify(offer).length;
    return bytes <= MAX_HANDED_OVER_BYTES;
  });
}
