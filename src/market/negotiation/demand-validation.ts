import { isErgonError } from '../../interface/errors.ts';
import { deriveTerms } from '../agreements/terms.ts';
import { NEGOTIABLES } from './negotiable.ts';
import { ACCEPT, reject, type Negotiator } from './negotiator.ts';

const negotiable = new Set<unknown>(Object.values(NEGOTIABLES).map(({ wish }) => wish));

/** The two documents must come to terms; what later negotiators can still adjust is left to them. */
export const demandValidation: Negotiator = ({ offer, demand }) => {
  try {
    deriveTerms(offer, demand);
    return ACCEPT;
  } catch (error) {
    if (!isErgonError(error, 'ERR_MARKET_TERMS')) throw error;
    const { property } = error.detail;
    if (negotiable.has(property)) return ACCEPT;
    return reject(
      'InvalidDemand',
      error.message.slice(0, 2048),
      typeof property === 'string' ? { property } : undefined,
    );
  }
};
