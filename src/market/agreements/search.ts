import { isErgonError } from '../../interface/errors.ts';
import type { AgreementRecord, AgreementRequest, Demand, Offer } from '../../interface/market.ts';
import { PROPERTY } from '../../interface/property-names.ts';
import type { Reason } from '../../interface/values.ts';
import type { MarketComponents } from '../components.ts';
import { MarketError } from '../errors.ts';
import { parseFilter } from '../language/parse.ts';
import type { NegotiationContext, Negotiator } from '../negotiation/negotiator.ts';
import { maxPrice } from '../negotiation/price.ts';
import type { Rejections } from '../negotiation/rejections.ts';
import type { RequestorProposals } from '../negotiation/requestor-proposals.ts';
import { negotiateRounds, type RoundsInit } from '../negotiation/negotiate-rounds.ts';
import type { Discovery } from '../offers/discovery.ts';
import type { OfferBook } from '../offers/offer-book.ts';
import { candidates, explainOffers, type ParsedDemand } from './candidates.ts';
import { agreementBucket } from './records.ts';
import type { RequestorAgreements } from './requestor.ts';
import { waitForChange } from './wait-for-change.ts';

export interface SearchInit extends RoundsInit {
  /** How long to wait for an offer that matches, when the request does not say. */
  readonly offerWaitMs: number;
  /** While waiting, connected peers are asked for offers this often. */
  readonly askAgainMs: number;
}

/** One provider that was asked, and why nothing came of it. */
interface Refusal {
  readonly offerId: string;
  readonly provider: string;
  readonly reason: Reason;
}

type Components = Pick<MarketComponents, 'store' | 'clock' | 'newId' | 'network' | 'signer' | 'logger'> & {
  readonly book: OfferBook;
  readonly discovery: Discovery;
  readonly proposals: RequestorProposals;
  readonly rejections: Rejections;
  readonly agreements: RequestorAgreements;
  readonly negotiators: readonly Negotiator[];
  readonly context: () => Promise<NegotiationContext>;
};

/** Finds a provider for a request: matches, compares prices, negotiates, and makes the agreement with the first that agrees. */
export class Search {
  readonly #init: SearchInit;
  readonly #components: Components;

  constructor(init: SearchInit, components: Components) {
    this.#init = init;
    this.#components = components;
  }

  async run(request: AgreementRequest, signal: AbortSignal): Promise<AgreementRecord> {
    const resumed = await this.#resume(request, signal);
    if (resumed !== undefined) return resumed;
    const { clock, book } = this.#components;
    const demand = this.#demand(request);
    const parsed: ParsedDemand = { properties: demand.properties, filter: parseFilter(demand.constraints) };
    const waitUntil = clock.now() + (request.waitMs ?? this.#init.offerWaitMs);
    const refusals: Refusal[] = [];
    for (;;) {
      signal.throwIfAborted();
      const tried = new Set(refusals.map(({ offerId }) => offerId));
      const [next] = candidates(book.list(), parsed, request, clock.now()).filter(
        ({ offer }) => !tried.has(offer.offerId),
      );
      if (next !== undefined) {
        const result = await this.#attempt(request, next.offer, demand, signal);
        if ('agreement' in result) return result;
        refusals.push({ offerId: next.offer.offerId, provider: next.offer.provider, reason: result });
        continue;
      }
      if (refusals.length > 0) throw nobodyAgreed(request, refusals);
      if (clock.now() >= waitUntil) throw this.#noOffer(request, parsed);
      await this.#waitForOffers(waitUntil, signal);
    }
  }

  /** What an earlier call with the same id has left: undefined when there is nothing to go on with. */
  async #resume(
    { agreementId }: AgreementRequest,
    signal: AbortSignal,
  ): Promise<AgreementRecord | undefined> {
    const record = await this.#components.store.get(agreementBucket, agreementId);
    if (record === undefined) return undefined;
    if (record.role !== 'requestor') {
      throw new MarketError('ERR_MARKET_AGREEMENT_CONFLICT', `There is another agreement ${agreementId}`, {
        agreementId,
      });
    }
    const settled = await this.#components.agreements.confirm(agreementId, signal);
    if (settled.state === 'Rejected') return undefined;
    if (settled.state === 'Approved' || settled.state === 'Terminated') return settled;
    throw new MarketError('ERR_MARKET_AGREEMENT_STATE', `Agreement ${agreementId} is ${settled.state}`, {
      agreementId,
      state: settled.state,
      reason: settled.reason,
    });
  }

  #demand({ properties, constraints, expiresAt }: AgreementRequest): Demand {
    const { newId, signer, network, clock } = this.#components;
    return {
      demandId: newId(),
      requestor: signer.address,
      peerId: network.peerId,
      properties: { [PROPERTY.expiration]: expiresAt, ...properties },
      constraints,
      createdAt: clock.now(),
      expiresAt,
    };
  }

  /** The approved record, or why this provider will not do. Throws only when the whole search has to end. */
  async #attempt(
    request: AgreementRequest,
    offer: Offer,
    demand: Demand,
    signal: AbortSignal,
  ): Promise<AgreementRecord | Reason> {
    const { agreements, context, logger } = this.#components;
    const { agreementId, expiresAt } = request;
    try {
      const result = await negotiateRounds(
        this.#init,
        this.#components,
        { offer, demand },
        this.#negotiators(request),
        await context(),
        signal,
      );
      if (result.type === 'refused') return result.reason;
      await agreements.create({ agreementId, offer: result.offer, demand: result.demand, expiresAt });
    } catch (error) {
      signal.throwIfAborted();
      if (!isErgonError(error) || isErgonError(error, 'ERR_MARKET_AGREEMENT_CONFLICT')) throw error;
      logger.debug({ err: error, offerId: offer.offerId }, 'negotiation failed');
      return failure(error);
    }
    const record = await agreements.confirm(agreementId, signal);
    if (record.state === 'Approved' || record.state === 'Terminated') return record;
    const reason = record.reason ?? { code: record.state, message: `The agreement is ${record.state}` };
    if (record.state === 'Rejected') return reason;
    // Whether this provider signed is not known: the id is used up.
    throw nobodyAgreed(request, [{ offerId: offer.offerId, provider: offer.provider, reason }]);
  }

  #negotiators({ maxPrice: max, expectedUsage = {} }: AgreementRequest): Negotiator[] {
    const { negotiators } = this.#components;
    return max === undefined ? [...negotiators] : [...negotiators, maxPrice(BigInt(max), expectedUsage)];
  }

  async #waitForOffers(waitUntil: number, signal: AbortSignal): Promise<void> {
    const { book, clock, discovery } = this.#components;
    discovery.askAll();
    const waitMs = Math.min(this.#init.askAgainMs, waitUntil - clock.now());
    await waitForChange(clock, (listener) => book.onChanged(listener), waitMs, signal);
  }

  #noOffer({ agreementId, offerId }: AgreementRequest, demand: ParsedDemand): MarketError {
    if (offerId !== undefined && this.#components.book.get(offerId) === undefined) {
      return new MarketError('ERR_MARKET_OFFER_NOT_FOUND', `There is no offer ${offerId}`, {
        agreementId,
        offerId,
      });
    }
    const offers = explainOffers(this.#components.book.list(), demand);
    const why = offers
      .slice(0, 5)
      .map(
        ({ provider, unmet }) =>
          `${provider}: ${unmet.map(({ term, explanation }) => `${term} (${explanation})`).join(', ')}`,
      );
    const message =
      offers.length === 0
        ? 'No offer is known'
        : `None of ${offers.length} offers matches: ${why.join('; ')}`;
    return new MarketError('ERR_MARKET_NO_OFFER', message, { agreementId, offers: offers.slice(0, 50) });
  }
}

function failure(error: {
  code: string;
  message: string;
  detail: Readonly<Record<string, unknown>>;
}): Reason {
  const remote = typeof error.detail['code'] === 'string' ? { code: error.detail['code'] } : undefined;
  const message = error.message.slice(0, 2048);
  return {
    code: 'Failed',
    message,
    detail: { code: error.code, ...(remote === undefined ? {} : { remote: remote.code }) },
  };
}

function nobodyAgreed({ agreementId }: AgreementRequest, providers: readonly Refusal[]): MarketError {
  const why = providers.map(({ provider, reason }) => `${provider}: ${reason.code}: ${reason.message}`);
  return new MarketError('ERR_MARKET_NOBODY_AGREED', `No provider agreed. ${why.join('; ')}`.slice(0, 8192), {
    agreementId,
    providers,
  });
}
