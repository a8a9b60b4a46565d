import type { Properties } from '../../interface/values.ts';
import { readNumber } from '../read-property.ts';
import type { Negotiable } from './negotiable.ts';
import { ACCEPT, reject, type Negotiator } from './negotiator.ts';

/** In seconds, both ends included. */
export interface SecondsBounds {
  readonly min: number;
  readonly max: number;
}

/** Provider: a wish outside of the offer's bounds is answered with the nearest value inside of them. */
export function offerSeconds(negotiable: Negotiable): Negotiator {
  return ({ offer, demand }) => {
    const wish = readNumber(demand.properties, negotiable.wish);
    if (wish === undefined) return ACCEPT;
    const nearest = clamp(wish, boundsOf(offer.properties, negotiable));
    return nearest === wish ? ACCEPT : { type: 'adjust', properties: { [negotiable.wish]: nearest } };
  };
}

/** Requestor: takes the nearest value that the offer allows, if that is within its own bounds. */
export function demandSeconds(negotiable: Negotiable, own: SecondsBounds): Negotiator {
  return ({ offer, demand }) => {
    const offered = readNumber(offer.properties, negotiable.wish);
    const wish = readNumber(demand.properties, negotiable.wish) ?? offered ?? own.min;
    const nearest = clamp(clamp(wish, own), boundsOf(offer.properties, negotiable));
    if (nearest !== clamp(nearest, own)) {
      return reject(
        'ConditionsUnacceptable',
        `${negotiable.wish} would be ${nearest}, which is not between ${own.min} and ${own.max}`,
        {
          property: negotiable.wish,
          value: nearest,
        },
      );
    }
    const inForce = readNumber(demand.properties, negotiable.wish) ?? offered;
    return nearest === inForce ? ACCEPT : { type: 'adjust', properties: { [negotiable.wish]: nearest } };
  };
}

function boundsOf(offer: Properties, { min, max }: Negotiable): SecondsBounds {
  return { min: readNumber(offer, min) ?? 0, max: readNumber(offer, max) ?? Number.MAX_SAFE_INTEGER };
}

function clamp(value: number, { min, max }: SecondsBounds): number {
  return Math.min(Math.max(value, min), max);
}
