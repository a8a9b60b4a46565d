import type { AgreementRequest } from '../../interface/market.ts';
import { COUNTER } from '../../interface/usage-counters.ts';
import type { Properties } from '../../interface/values.ts';
import type { Filter } from '../language/ast.ts';
import { matchParsed, type MatchResult } from '../language/match.ts';
import { estimatePrice, type ExpectedUsage } from '../negotiation/price.ts';
import type { CheckedOffer } from '../offers/check-offer.ts';
import { derivePricing } from './terms.ts';

/** A demand whose constraints are parsed. */
export interface ParsedDemand {
  readonly properties: Properties;
  readonly filter: Filter;
}

/** How an offer fits a demand, term by term. */
export interface Explanation extends MatchResult {
  readonly offerId: string;
  readonly provider: string;
}

/** For each offer whether it matches, and why not. */
export function explainOffers(offers: readonly CheckedOffer[], demand: ParsedDemand): Explanation[] {
  return offers.map(({ offer, filter }) => ({
    offerId: offer.offerId,
    provider: offer.provider,
    ...matchParsed({ properties: offer.properties, filter }, demand),
  }));
}

/** The offers that match both ways and were not excluded, cheapest for the expected usage first. */
export function candidates(
  offers: readonly CheckedOffer[],
  demand: ParsedDemand,
  request: Pick<AgreementRequest, 'offerId' | 'excludeProviders' | 'expectedUsage' | 'expiresAt'>,
  now: number,
): CheckedOffer[] {
  const excluded = new Set((request.excludeProviders ?? []).map((address) => address.toLowerCase()));
  const usage = request.expectedUsage ?? fullUse(Math.max(0, request.expiresAt - now));
  return offers
    .filter(({ offer }) => !excluded.has(offer.provider.toLowerCase()))
    .filter(({ offer }) => request.offerId === undefined || offer.offerId === request.offerId)
    .filter(
      ({ offer, filter }) => matchParsed({ properties: offer.properties, filter }, demand).result === true,
    )
    .map((checked) => ({ checked, price: priceOf(checked, demand.properties, usage) }))
    .sort((a, b) => comparePrices(a.price, b.price))
    .map(({ checked }) => checked);
}

/** With nothing better to go by: one thread busy until the end. */
function fullUse(lengthMs: number): ExpectedUsage {
  const nanoseconds = (BigInt(Math.ceil(lengthMs)) * 1_000_000n).toString();
  return { [COUNTER.duration]: nanoseconds, [COUNTER.cpu]: nanoseconds };
}

/** Undefined for an offer that no terms can be derived from: it is tried last, for the reason it gives. */
function priceOf({ offer }: CheckedOffer, demand: Properties, usage: ExpectedUsage): bigint | undefined {
  try {
    return estimatePrice(derivePricing(offer.properties, demand), usage);
  } catch {
    return undefined;
  }
}

function comparePrices(a: bigint | undefined, b: bigint | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a < b ? -1 : a > b ? 1 : 0;
}
