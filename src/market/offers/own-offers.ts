import type { Offer } from '../../interface/market.ts';
import { PROPERTY } from '../../interface/property-names.ts';
import type { Transaction } from '../../interface/store.ts';
import type { Properties } from '../../interface/values.ts';
import { canonicalJson } from '../../util/canonical-json.ts';
import type { MarketComponents } from '../components.ts';
import { OFFERS_TOPIC } from '../wire.ts';
import type { OfferDraft } from './build-offer.ts';
import { offerBucket, type OwnOffer } from './bucket.ts';

export interface OwnOffersInit {
  /** An offer is signed anew when half of this has passed. */
  readonly offerLifetimeMs: number;
}

type Components = Pick<
  MarketComponents,
  'store' | 'network' | 'signer' | 'clock' | 'logger' | 'newId' | 'slots'
>;

/**
 * What this node sells. `publish` says what should be on offer; `refresh` makes it so: signs what is missing or old,
 * withdraws what is not wanted or has no free slot, and announces. Both may be called at any time.
 */
export class OwnOffers {
  readonly #init: OwnOffersInit;
  readonly #components: Components;
  #wanted: ReadonlyMap<string, OfferDraft> = new Map();
  readonly #byHand = new Map<string, OfferDraft>();
  /** False while everything is withdrawn: then no offer stands, not even one by hand. */
  #isOpen = false;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(init: OwnOffersInit, components: Components) {
    this.#init = init;
    this.#components = components;
  }

  /** From now on these are on offer, by name, and nothing else. */
  async publish(drafts: Readonly<Record<string, OfferDraft>>): Promise<Offer[]> {
    this.#wanted = new Map(Object.entries(drafts));
    this.#isOpen = true;
    await this.refresh();
    return this.list();
  }

  /** Beside those that are published, and for as long as anything is on offer here. */
  async offerByHand(hand: string, draft: OfferDraft): Promise<void> {
    this.#byHand.set(hand, { ...draft, hand });
    await this.refresh();
  }

  async takeBack(hand: string): Promise<void> {
    if (this.#byHand.delete(hand)) await this.refresh();
  }

  /** An offer of ours that somebody published by hand; undefined for the others. */
  async byHand(offerId: string): Promise<{ hand: string; offer: Offer } | undefined> {
    const { hand, offer } = (await this.#components.store.get(offerBucket, offerId)) ?? {};
    return hand === undefined || offer === undefined ? undefined : { hand, offer };
  }

  /** Takes the named offers, or all, from the market; agreements that were made of them go on. */
  async withdraw(names?: readonly string[]): Promise<void> {
    if (names === undefined) this.#isOpen = false;
    this.#wanted = new Map(
      [...this.#wanted].filter(([name]) => names !== undefined && !names.includes(name)),
    );
    await this.refresh();
  }

  async list(): Promise<Offer[]> {
    const now = this.#components.clock.now();
    return (await this.#live()).map(({ offer }) => offer).filter(({ expiresAt }) => expiresAt > now);
  }

  /** An own offer that may still become an agreement. */
  async find(offerId: string): Promise<Offer | undefined> {
    const own = await this.#components.store.get(offerBucket, offerId);
    return own === undefined || own.withdrawn || own.offer.expiresAt <= this.#components.clock.now()
      ? undefined
      : own.offer;
  }

  /** Signs an offer for one negotiation only: it is not announced. */
  async signFor(base: Offer, properties: Properties, expiresAt: number): Promise<Offer> {
    const { newId, clock, store } = this.#components;
    const offer = await this.#sign({
      ...base,
      offerId: newId(),
      properties,
      createdAt: clock.now(),
      expiresAt,
    });
    const hand = (await this.byHand(base.offerId))?.hand;
    const own = { offer, withdrawn: false, ...(hand !== undefined && { hand }) };
    await store.transact(async (tx) => tx.put(offerBucket, offer.offerId, own));
    return offer;
  }

  /** One at a time, in order. */
  refresh(): Promise<void> {
    this.#refreshing = this.#refreshing.catch(() => undefined).then(() => this.#refresh());
    return this.#refreshing;
  }

  /** Drops what has expired. Apart from `refresh`, which comes with each agreement: this looks at all there are. */
  async clear(): Promise<void> {
    const { store, clock } = this.#components;
    const now = clock.now();
    const expired = (await store.list(offerBucket)).filter(({ value }) => value.offer.expiresAt <= now);
    if (expired.length === 0) return;
    await store.transact(async (tx) => {
      for (const { id } of expired) {
        // A renewed offer keeps its id.
        const own = await tx.get(offerBucket, id);
        if (own !== undefined && own.offer.expiresAt <= now) tx.delete(offerBucket, id);
      }
    });
  }

  /** Awaits the refresh under way. */
  async idle(): Promise<void> {
    await this.#refreshing.catch(() => undefined);
  }

  async #refresh(): Promise<void> {
    const { store } = this.#components;
    const sellable = await this.#sellable();
    const live = await this.#live();
    const gone = live.filter(({ name, offer }) => !this.#isSame(offer, sellable.get(name ?? '')));
    const fresh: OwnOffer[] = [];
    for (const [name, draft] of sellable) {
      const current = live.find((own) => own.name === name && !gone.includes(own));
      if (current !== undefined && !this.#isDue(current.offer)) continue;
      const { hand } = draft;
      const offer = await this.#make(draft, current?.offer.offerId);
      fresh.push({ name, offer, withdrawn: false, ...(hand !== undefined && { hand }) });
    }
    await store.transact(async (tx) => {
      for (const own of gone) await replace(tx, { ...own, withdrawn: true });
      for (const own of fresh) await replace(tx, own);
    });
    for (const { offer } of gone) await this.#announce(await this.#tombstone(offer));
    for (const offer of await this.list()) await this.#announce(offer);
  }

  /** What is wanted and has room in the slots. */
  async #sellable(): Promise<Map<string, OfferDraft>> {
    const { slots, store } = this.#components;
    const byHand = this.#isOpen
      ? [...this.#byHand].map(([hand, draft]) => [`by hand ${hand}`, draft] as const)
      : [];
    const wanted = new Map([...this.#wanted, ...byHand]);
    if (slots === undefined) return wanted;
    const free = await slots.free(store);
    const fits = ({ minimum }: OfferDraft): boolean =>
      minimum.cpuThreads <= free.cpuThreads &&
      minimum.memoryBytes <= free.memoryBytes &&
      minimum.storageBytes <= free.storageBytes;
    return new Map([...wanted].filter(([, draft]) => fits(draft)));
  }

  /** Another price or address is another offer; a renewed one keeps its id, so that it replaces itself everywhere. */
  #isSame(offer: Offer, draft: OfferDraft | undefined): boolean {
    return draft !== undefined && sameContent(offer, { ...draft, multiaddrs: this.#multiaddrs() });
  }

  #isDue(offer: Offer): boolean {
    return this.#components.clock.now() >= offer.expiresAt - this.#init.offerLifetimeMs / 2;
  }

  async #make({ properties, constraints }: OfferDraft, offerId = this.#components.newId()): Promise<Offer> {
    const { clock, signer, network } = this.#components;
    const createdAt = clock.now();
    return this.#sign({
      offerId,
      provider: signer.address,
      peerId: network.peerId,
      multiaddrs: this.#multiaddrs(),
      properties: { ...properties },
      constraints,
      createdAt,
      expiresAt: createdAt + this.#init.offerLifetimeMs,
    });
  }

  async #tombstone(offer: Offer): Promise<Offer> {
    const createdAt = this.#components.clock.now();
    return this.#sign({
      ...offer,
      properties: { [PROPERTY.withdrawn]: true },
      constraints: '(|)',
      createdAt,
    });
  }

  async #sign(unsigned: Omit<Offer, 'signature'>): Promise<Offer> {
    const { signer } = this.#components;
    return { ...unsigned, signature: await signer.sign('Offer', unsigned) };
  }

  #multiaddrs(): string[] {
    return this.#components.network.multiaddrs().slice(0, 16);
  }

  async #live(): Promise<OwnOffer[]> {
    const found = await this.#components.store.list(offerBucket, {
      where: { index: 'live', equals: 'live' },
    });
    return found.map(({ value }) => value);
  }

  /** Gossip is a hint: who connects is handed the offers anyway. */
  async #announce(offer: Offer): Promise<void> {
    const { network, logger } = this.#components;
    try {
      await network.announce(OFFERS_TOPIC, offer);
    } catch (err) {
      logger.warn({ err, offerId: offer.offerId }, 'offer not announced');
    }
  }
}

type Content = Pick<Offer, 'properties' | 'constraints' | 'multiaddrs'>;

function sameContent(a: Content, b: Content): boolean {
  const content = ({ properties, constraints, multiaddrs }: Content) =>
    canonicalJson({ properties, constraints, multiaddrs });
  return content(a) === content(b);
}

async function replace(tx: Transaction, own: OwnOffer): Promise<void> {
  await tx.get(offerBucket, own.offer.offerId);
  tx.put(offerBucket, own.offer.offerId, own);
}
