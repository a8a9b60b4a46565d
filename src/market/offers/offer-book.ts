import type { Clock } from '../../interface/clock.ts';
import type { Offer } from '../../interface/market.ts';
import { isWithdrawn, type CheckedOffer } from './check-offer.ts';

export interface OfferBookInit {
  readonly maxOffers: number;
  readonly maxOffersPerProvider: number;
}

/**
 * The offers of others that this node has seen: checked, unexpired, bounded, and in memory only, since each is
 * announced again. Withdrawn ones are kept unlisted until they expire, so that a late echo does not revive them.
 */
export class OfferBook {
  readonly #init: OfferBookInit;
  readonly #clock: Clock;
  readonly #offers = new Map<string, CheckedOffer>();
  readonly #listeners = new Set<() => void>();

  constructor(init: OfferBookInit, components: { clock: Clock }) {
    this.#init = init;
    this.#clock = components.clock;
  }

  /** Takes a checked offer in; false when nothing new was learnt, or there is no room for it. */
  add(checked: CheckedOffer): boolean {
    const { offer } = checked;
    // An id alone is not enough: else one provider could take another's.
    const key = `${offer.provider.toLowerCase()}/${offer.offerId}`;
    const known = this.#offers.get(key);
    if (known !== undefined && !supersedes(offer, known.offer)) return false;
    if (known === undefined && !this.#makeRoom(offer)) return false;
    this.#offers.set(key, checked);
    for (const listener of [...this.#listeners]) listener();
    return true;
  }

  /** Oldest first. */
  list(): CheckedOffer[] {
    this.#dropExpired();
    return [...this.#offers.values()].filter(({ offer }) => !isWithdrawn(offer));
  }

  get(offerId: string): CheckedOffer | undefined {
    return this.list().find(({ offer }) => offer.offerId === offerId);
  }

  /** Called after each change; returns how to stop. */
  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #makeRoom(offer: Offer): boolean {
    this.#dropExpired();
    if (!this.#makeRoomOf(offer.provider.toLowerCase())) return false;
    if (this.#offers.size < this.#init.maxOffers) return true;
    const [soonest] = [...this.#offers].sort(([, a], [, b]) => a.offer.expiresAt - b.offer.expiresAt);
    if (soonest === undefined || soonest[1].offer.expiresAt >= offer.expiresAt) return false;
    return this.#offers.delete(soonest[0]);
  }

  /** A provider that sells out again and again withdraws often: what it withdrew first is forgotten first. */
  #makeRoomOf(provider: string): boolean {
    const own = [...this.#offers].filter(([key]) => key.startsWith(provider));
    if (own.length < this.#init.maxOffersPerProvider) return true;
    const oldest = own.find(([, { offer }]) => isWithdrawn(offer));
    return oldest !== undefined && this.#offers.delete(oldest[0]);
  }

  #dropExpired(): void {
    const now = this.#clock.now();
    for (const [key, { offer }] of this.#offers) if (offer.expiresAt <= now) this.#offers.delete(key);
  }
}

function supersedes(offer: Offer, known: Offer): boolean {
  if (isWithdrawn(known)) return false;
  return isWithdrawn(offer) || offer.createdAt > known.createdAt;
}
