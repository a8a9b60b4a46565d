import { Terms, type Demand, type Offer, type Pricing, type Resources } from '../../interface/market.ts';
import {
  PROPERTY,
  platformAddressProperty,
  platformDecimalsProperty,
} from '../../interface/property-names.ts';
import type { Properties } from '../../interface/values.ts';
import { checker } from '../../util/check.ts';
import { parseTokens } from '../../util/token-amount.ts';
import { MarketError } from '../errors.ts';
import { NEGOTIABLES, type Negotiable } from '../negotiation/negotiable.ts';
import { readInteger, readNumber, readString, readStrings, required, wrong } from '../read-property.ts';

const MAX_THREADS = 4096;
const checkTerms = checker(Terms, 'terms');

/**
 * What an offer and a demand come to. Both sides run it themselves and sign only what they derived.
 * @throws MarketError ERR_MARKET_TERMS with the property that is missing, malformed, or asks for more than is offered.
 */
export function deriveTerms(offer: Pick<Offer, 'properties'>, demand: Pick<Demand, 'properties'>): Terms {
  const terms: Terms = {
    runtime: readString(offer.properties, PROPERTY.runtimeName),
    resources: deriveResources(offer.properties, demand.properties),
    ...(deriveNetwork(offer.properties, demand.properties) && { network: true }),
    pricing: derivePricing(offer.properties, demand.properties),
    debitNoteIntervalMs: negotiated(offer.properties, demand.properties, NEGOTIABLES.debitNoteInterval),
    debitNoteAcceptTimeoutMs: negotiated(
      offer.properties,
      demand.properties,
      NEGOTIABLES.debitNoteAcceptTimeout,
    ),
    paymentTimeoutMs: negotiated(offer.properties, demand.properties, NEGOTIABLES.paymentTimeout),
    idleTimeoutMs: milliseconds(
      required(readNumber(offer.properties, PROPERTY.idleTimeoutSec), PROPERTY.idleTimeoutSec),
    ),
    maxOutputBytes: offered(offer.properties, PROPERTY.maxOutputBytes),
  };
  try {
    return checkTerms(terms);
  } catch (cause) {
    throw new MarketError(
      'ERR_MARKET_TERMS',
      cause instanceof Error ? cause.message : 'Invalid terms',
      {},
      { cause },
    );
  }
}

/** What the provider sets aside. @throws MarketError ERR_MARKET_TERMS when more is asked for than is offered */
export function deriveResources(offer: Properties, demand: Properties): Resources {
  return {
    cpuThreads: fitting(
      offer,
      demand,
      [PROPERTY.requestedCpuThreads, PROPERTY.cpuThreadsMin, PROPERTY.cpuThreads],
      1,
      MAX_THREADS,
    ),
    memoryBytes: fitting(offer, demand, [
      PROPERTY.requestedMemoryBytes,
      PROPERTY.memoryBytesMin,
      PROPERTY.memoryBytes,
    ]),
    storageBytes: fitting(offer, demand, [
      PROPERTY.requestedStorageBytes,
      PROPERTY.storageBytesMin,
      PROPERTY.storageBytes,
    ]),
  };
}

/** Only what is asked for, and only from whom it is offered by. */
function deriveNetwork(offer: Properties, demand: Properties): boolean {
  const wished = demand[PROPERTY.network] ?? false;
  if (typeof wished !== 'boolean') throw wrong(PROPERTY.network, wished, 'true or false');
  if (wished && offer[PROPERTY.network] !== true)
    throw wrong(PROPERTY.network, wished, 'false: the offer has no network');
  return wished;
}

/** What is requested, or else the offer's minimum; never more than is offered. */
function fitting(
  offer: Properties,
  demand: Properties,
  [requestedKey, minimumKey, offeredKey]: readonly [string, string, string],
  lowest = 0,
  highest = Number.MAX_SAFE_INTEGER,
): number {
  const most = required(readInteger(offer, offeredKey, lowest, highest), offeredKey);
  const least = readInteger(offer, minimumKey, lowest, highest) ?? lowest;
  const amount = readInteger(demand, requestedKey, lowest, highest) ?? least;
  if (amount > most) throw wrong(requestedKey, amount, `at most ${most}, which is what is offered`);
  return amount;
}

function offered(offer: Properties, key: string): number {
  return required(readInteger(offer, key, 0, Number.MAX_SAFE_INTEGER), key);
}

/** The demand's wish, or else the offer's own value; within the offer's bounds. */
function negotiated(offer: Properties, demand: Properties, { wish, min, max }: Negotiable): number {
  const seconds = readNumber(demand, wish) ?? required(readNumber(offer, wish), wish);
  const least = readNumber(offer, min) ?? 0;
  const most = readNumber(offer, max) ?? Number.MAX_SAFE_INTEGER;
  if (seconds < least || seconds > most)
    throw wrong(wish, seconds, `between ${least} and ${most} seconds, as offered`);
  return milliseconds(seconds);
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

/** Token prices become smallest units of the platform, exactly or not at all. */
export function derivePricing(offer: Properties, demand: Properties): Pricing {
  const model = readString(offer, PROPERTY.pricingModel);
  if (model !== 'linear') throw wrong(PROPERTY.pricingModel, model, '"linear"');
  const platform = choosePlatform(offer, demand);
  const decimalsKey = platformDecimalsProperty(platform);
  const decimals = required(readInteger(offer, decimalsKey, 0, 38), decimalsKey);
  const counters = readStrings(offer, PROPERTY.usageVector);
  const prices = readStrings(offer, PROPERTY.linearCoefficients).map((price) => {
    const units = parseTokens(price, decimals);
    if (units === undefined)
      throw wrong(PROPERTY.linearCoefficients, price, `decimal tokens of ${decimals} digits`);
    return units.toString();
  });
  const startPrice = prices.at(-1);
  if (
    startPrice === undefined ||
    prices.length !== counters.length + 1 ||
    new Set(counters).size !== counters.length
  ) {
    throw wrong(
      PROPERTY.linearCoefficients,
      prices,
      `a price for each of the ${counters.length} different counters, then the start price`,
    );
  }
  return {
    model: 'linear',
    platform,
    counters,
    coefficients: prices.slice(0, -1),
    startPrice,
    ...(isDeploymentBilled(offer) && { deploymentBilled: true }),
  };
}

function isDeploymentBilled(offer: Properties): boolean {
  const value = offer[PROPERTY.deploymentBilled] ?? false;
  if (typeof value !== 'boolean') throw wrong(PROPERTY.deploymentBilled, value, 'true or false');
  return value;
}

/** The one that the demand chose, or else the only one of the offer. */
function choosePlatform(offer: Properties, demand: Properties): string {
  const platforms = Object.keys(offer).flatMap(
    (key) => /^golem\.com\.payment\.platform\.([a-z0-9-]{1,64})\.address$/.exec(key)?.[1] ?? [],
  );
  const chosen = demand[PROPERTY.chosenPlatform];
  if (chosen === undefined) {
    const [only, ...others] = platforms;
    if (only === undefined || others.length > 0)
      throw wrong(PROPERTY.chosenPlatform, chosen, `one of ${platforms.join(', ')}`);
    return only;
  }
  if (typeof chosen !== 'string' || !Object.hasOwn(offer, platformAddressProperty(chosen))) {
    throw wrong(PROPERTY.chosenPlatform, chosen, `one of ${platforms.join(', ')}`);
  }
  return chosen;
}
