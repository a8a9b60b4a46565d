import { deriveResources } from '../agreements/terms.ts';
import { ACCEPT, reject, type Negotiator } from './negotiator.ts';

/** Provider: what is asked must be free now; the ledger has the last word when the agreement is made. */
export const resourcesFit: Negotiator = ({ offer, demand }, { free }) => {
  if (free === undefined) return ACCEPT;
  const asked = deriveResources(offer.properties, demand.properties);
  const keys = ['cpuThreads', 'memoryBytes', 'storageBytes'] as const;
  const short = keys.find((key) => asked[key] > free[key]);
  return short === undefined
    ? ACCEPT
    : reject('NoFreeSlot', `${short}: ${asked[short]} asked, ${free[short]} free`, {
        resource: short,
        asked: asked[short],
        free: free[short],
      });
};
