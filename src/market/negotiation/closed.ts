import type { Reason } from '../../interface/values.ts';
import { ACCEPT, type Negotiator } from './negotiator.ts';

/** Refuses everyone, for this reason, while there is one. */
export function closed(reason: Reason | undefined): Negotiator {
  return () => (reason === undefined ? ACCEPT : { type: 'reject', reason });
}
