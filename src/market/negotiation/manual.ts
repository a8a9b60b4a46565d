import type { Negotiator } from './negotiator.ts';

/** Leaves the decision to a person or a REST client: see `Market.proposals.decide`. */
export const manual: Negotiator = () => ({ type: 'pending' });
