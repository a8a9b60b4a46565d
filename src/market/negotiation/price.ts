import type { Pricing } from '../../interface/market.ts';
import { derivePricing } from '../agreements/terms.ts';
import { ACCEPT, reject, type Negotiator } from './negotiator.ts';

const NANO = 1_000_000_000n;

/** Counter → billionths of its unit. */
export type ExpectedUsage = Readonly<Record<string, string>>;

/** What the usage would cost, rounded up: an estimate must not fall short. Counters that are not priced cost nothing. */
export function estimatePrice({ counters, coefficients, startPrice }: Pricing, usage: ExpectedUsage): bigint {
  const nanos = counters.reduce(
    (sum, counter, index) => sum + BigInt(coefficients[index] ?? '0') * BigInt(usage[counter] ?? '0'),
    0n,
  );
  return BigInt(startPrice) + (nanos + NANO - 1n) / NANO;
}

/** Requestor: the expected usage may cost so much, in smallest units. */
export function maxPrice(max: bigint, usage: ExpectedUsage): Negotiator {
  return ({ offer, demand }) => {
    const estimate = estimatePrice(derivePricing(offer.properties, demand.properties), usage);
    return estimate <= max
      ? ACCEPT
      : reject('TooExpensive', `It would cost ${estimate}, and may cost ${max} (smallest units)`, {
          estimate: estimate.toString(),
          max: max.toString(),
        });
  };
}

/** Provider: no price of an agreement may fall short of these, in smallest units, whatever the offer said when it was made. */
export interface PriceFloor {
  readonly startPrice: bigint;
  /** Counter → per unit. */
  readonly coefficients: Readonly<Record<string, bigint>>;
}

/** A provider's lowest prices, by payment platform. */
export function minPrice(floors: Readonly<Record<string, PriceFloor>>): Negotiator {
  return ({ offer, demand }) => {
    const pricing = derivePricing(offer.properties, demand.properties);
    const floor = floors[pricing.platform];
    if (floor === undefined) return ACCEPT;
    const low = Object.entries(floor.coefficients).find(
      ([counter, min]) => BigInt(pricing.coefficients[pricing.counters.indexOf(counter)] ?? '0') < min,
    );
    const name = low?.[0] ?? (BigInt(pricing.startPrice) < floor.startPrice ? 'start' : undefined);
    return name === undefined
      ? ACCEPT
      : reject('TooCheap', `The price of ${name} is below what this provider takes now`, { counter: name });
  };
}
