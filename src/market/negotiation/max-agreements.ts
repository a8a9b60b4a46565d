import { ACCEPT, reject, type Negotiator } from './negotiator.ts';

/** No more than `max` agreements of this role in force at a time. */
export function maxAgreements(max: number): Negotiator {
  return (_position, { activeAgreements }) =>
    activeAgreements < max
      ? ACCEPT
      : reject(
          'TooManyAgreements',
          `This node has ${activeAgreements} agreements, and takes ${max} at most`,
          { max },
        );
}
