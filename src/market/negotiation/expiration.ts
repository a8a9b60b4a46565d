import { PROPERTY } from '../../interface/property-names.ts';
import { ACCEPT, reject, type Negotiator } from './negotiator.ts';

/** For how long agreements are made. */
export interface ExpirationLimits {
  /** How long from now an agreement may and must at least last. */
  readonly minMs: number;
  readonly maxMs: number;
}

/** When the demand wants to end: its own property, or the end of the demand. */
export function expirationLimits({ minMs, maxMs }: ExpirationLimits): Negotiator {
  return ({ demand }, { now }) => {
    const expiration = demand.properties[PROPERTY.expiration] ?? demand.expiresAt;
    if (typeof expiration !== 'number')
      return reject('InvalidDemand', `${PROPERTY.expiration} must be milliseconds since the epoch`);
    const lastsMs = expiration - now;
    if (lastsMs < minMs)
      return reject('ExpiresTooSoon', `An agreement lasts at least ${minMs} ms here, ${lastsMs} were asked`, {
        minMs,
      });
    if (lastsMs > maxMs)
      return reject('ExpiresTooLate', `An agreement lasts at most ${maxMs} ms here, ${lastsMs} were asked`, {
        maxMs,
      });
    return ACCEPT;
  };
}
