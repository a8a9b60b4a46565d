import { PROPERTY, type Demand, type Offer, isErgonError } from '../../../../interface/index.ts';
import { deriveTerms } from '../../../../market/index.ts';

/** Properties that a provider may change within the bounds of its offer. */
const NEGOTIABLE: readonly string[] = [
  PROPERTY.debitNoteIntervalSec,
  PROPERTY.debitNoteAcceptTimeoutSec,
  PROPERTY.paymentTimeoutSec,
];

/**
 * The client makes an agreement of the provider's words: where its own wish is beyond what the provider grants, what
 * the provider answered is agreed to.
 */
export function agreeTo<T extends Pick<Demand, 'properties'>>(
  demand: T,
  offer: Pick<Offer, 'properties'>,
): T {
  let agreed = demand;
  for (let moves = 0; moves < NEGOTIABLE.length; moves += 1) {
    const property = unmetWish(offer, agreed);
    const value = property === undefined ? undefined : offer.properties[property];
    if (property === undefined || value === undefined) break;
    agreed = { ...agreed, properties: { ...agreed.properties, [property]: value } };
  }
  return agreed;
}

function unmetWish(offer: Pick<Offer, 'properties'>, demand: Pick<Demand, 'properties'>): string | undefined {
  try {
    deriveTerms(offer, demand);
    return undefined;
  } catch (error) {
    if (!isErgonError(error, 'ERR_MARKET_TERMS')) throw error;
    const { property } = error.detail;
    return NEGOTIABLE.find((key) => key === property);
  }
}
