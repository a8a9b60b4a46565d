import { deriveTerms } from '../../../../market/index.ts';
import type { Clock, Logger, Offer } from '../../../../interface/index.ts';
import type { YagnaParts } from '../../../yagna-parts.ts';
import type { DemandRecord } from './records.ts';
import { agreeTo } from './agree-to.ts';

/** Changes come in bursts: they are looked at together. */
const GATHER_MS = 50;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

export interface MatcherComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly market: Pick<YagnaParts['market'], 'offers'>;
  /** Tells the client of an offer. */
  readonly issue: (offer: Offer) => Promise<void>;
  /** Takes back what the client was to be told of an offer that is gone, if it has not heard it yet. */
  readonly retract: (offerId: string) => Promise<void>;
}

/** Offered once, until what came of it says that it may be offered again. */
interface Standing {
  readonly provider: string;
  failures: number;
  /** Set while it waits to be offered again. */
  again?: () => void;
}

/** Brings the offers that fit one open demand to its client, each once, and again when it may be used again. */
export class Matcher {
  readonly #demand: DemandRecord;
  readonly #components: MatcherComponents;
  readonly #standing = new Map<string, Standing>();
  #cancelLook: (() => void) | undefined;
  #stopListening: () => void = () => undefined;
  #stopped = false;

  constructor(demand: DemandRecord, components: MatcherComponents) {
    this.#demand = demand;
    this.#components = components;
  }

  start(): void {
    this.#stopListening = this.#components.market.offers.onChanged(() => this.#lookSoon());
    this.#lookSoon(0);
  }

  stop(): void {
    this.#stopped = true;
    this.#stopListening();
    this.#cancelLook?.();
    for (const { again } of this.#standing.values()) again?.();
  }

  /** An agreement came of it: the provider may have room for another. */
  used(offerId: string): void {
    this.#standing.delete(offerId);
    this.#lookSoon();
  }

  /** Nothing came of it: it is offered again after a pause that grows. */
  failed(offerId: string): void {
    const standing = this.#standing.get(offerId);
    if (standing === undefined || standing.again !== undefined || this.#stopped) return;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** standing.failures);
    standing.failures = Math.min(standing.failures + 1, 16);
    standing.again = this.#components.clock.setTimer(() => this.#renew(offerId, standing), pauseMs);
  }

  /** An agreement with this provider has ended: what it refused it may grant now. */
  freed(provider: string): void {
    for (const [offerId, standing] of this.#standing) {
      if (standing.provider !== provider || standing.again === undefined) continue;
      standing.again();
      this.#renew(offerId, standing);
    }
  }

  #renew(offerId: string, standing: Standing): void {
    delete standing.again;
    if (this.#stopped || this.#components.market.offers.get(offerId) === undefined) {
      this.#standing.delete(offerId);
      return;
    }
    this.#issue(offerId);
  }

  #lookSoon(delayMs = GATHER_MS): void {
    if (this.#stopped || this.#cancelLook !== undefined) return;
    this.#cancelLook = this.#components.clock.setTimer(() => {
      this.#cancelLook = undefined;
      this.#look();
    }, delayMs);
  }

  #look(): void {
    const { offers } = this.#components.market;
    const found = offers.explain(this.#demand);
    const known = new Set(found.map(({ offerId }) => offerId));
    for (const offerId of this.#standing.keys()) if (!known.has(offerId)) this.#forget(offerId);
    for (const { offerId, provider, result } of found) {
      if (result !== true || this.#standing.has(offerId)) continue;
      this.#standing.set(offerId, { provider, failures: 0 });
      this.#issue(offerId);
    }
  }

  #forget(offerId: string): void {
    this.#standing.get(offerId)?.again?.();
    this.#standing.delete(offerId);
    this.#components.retract(offerId).catch((err: unknown) => {
      this.#components.logger.warn({ err, offerId }, 'an offer that is gone could not be taken back');
    });
  }

  #issue(offerId: string): void {
    const offer = this.#components.market.offers.get(offerId);
    if (offer === undefined || !this.#isSound(offer)) return;
    this.#components.issue(offer).catch((err: unknown) => {
      this.#components.logger.warn({ err, offerId }, 'an offer could not be brought to its demand');
      this.#standing.delete(offerId);
    });
  }

  /** An offer that no agreement can be made of would only upset the client. */
  #isSound(offer: Offer): boolean {
    try {
      deriveTerms(offer, agreeTo(this.#demand, offer));
      return true;
    } catch (err) {
      this.#components.logger.debug({ err, offerId: offer.offerId }, 'offer left out: no terms come of it');
      return false;
    }
  }
}
