import type { Verifier } from '../../interface/identity.ts';
import type { Offer } from '../../interface/market.ts';
import { PROPERTY } from '../../interface/property-names.ts';
import { MarketError } from '../errors.ts';
import type { Filter } from '../language/ast.ts';
import { parseFilter } from '../language/parse.ts';
import { checkOffer } from '../wire.ts';

/** Clocks of two honest nodes differ by no more than this. */
export const CLOCK_SKEW_MS = 5 * 60_000;
const MAX_OFFER_LIFETIME_MS = 24 * 3_600_000;
const MAX_OFFER_BYTES = 32 * 1024;

/** An offer that has passed every check, with its constraints parsed. */
export interface CheckedOffer {
  readonly offer: Offer;
  readonly filter: Filter;
}

/** What the offer of another node is checked with. */
export interface OfferChecks {
  readonly verifier: Verifier;
  readonly addressOfPeerId: (peerId: string) => string;
}

/**
 * What is checked of offers of others: schema, size, times, that the peer is the provider, and the provider's signature.
 * @throws MarketError ERR_MARKET_OFFER_INVALID or ERR_MARKET_SIGNATURE, CheckError, ConstraintError
 */
export function receiveOffer(value: unknown, now: number, checks: OfferChecks): CheckedOffer {
  const offer = checkOffer(value);
  if (JSON.stringify(offer).length > MAX_OFFER_BYTES)
    throw invalid(offer, `is larger than ${MAX_OFFER_BYTES} bytes`);
  checkTimes(offer, now);
  const filter = parseFilter(offer.constraints);
  verifyOffer(offer, checks);
  return { offer, filter };
}

/** Who it is from: at rest, too. */
export function verifyOffer(offer: Offer, { verifier, addressOfPeerId }: OfferChecks): void {
  const owner = ownerOf(offer, addressOfPeerId);
  if (owner.toLowerCase() !== offer.provider.toLowerCase()) {
    throw invalid(offer, `names the peer of ${owner}, not of its provider ${offer.provider}`);
  }
  try {
    verifier.verify('Offer', offer, offer.signature, offer.provider);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'no signature';
    throw new MarketError(
      'ERR_MARKET_SIGNATURE',
      `Offer ${offer.offerId}: ${why}`,
      { document: 'Offer', offerId: offer.offerId },
      { cause },
    );
  }
}

/** Whether an announcement takes back the offer that its provider made before. */
export function isWithdrawn(offer: Offer): boolean {
  return offer.properties[PROPERTY.withdrawn] === true;
}

function checkTimes(offer: Offer, now: number): void {
  if (offer.expiresAt <= now) throw invalid(offer, 'has expired');
  if (offer.createdAt > now + CLOCK_SKEW_MS) throw invalid(offer, 'was made in the future');
  if (offer.expiresAt > now + CLOCK_SKEW_MS + MAX_OFFER_LIFETIME_MS) throw invalid(offer, 'lives too long');
}

function ownerOf(offer: Offer, addressOfPeerId: OfferChecks['addressOfPeerId']): string {
  try {
    return addressOfPeerId(offer.peerId);
  } catch (cause) {
    throw invalid(offer, `names ${offer.peerId}, which is no node's PeerId`, cause);
  }
}

function invalid(offer: Offer, why: string, cause?: unknown): MarketError {
  return new MarketError(
    'ERR_MARKET_OFFER_INVALID',
    `Offer ${offer.offerId} ${why}`,
    { offerId: offer.offerId, provider: offer.provider },
    { cause },
  );
}
