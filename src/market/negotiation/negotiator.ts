import type { Demand, Offer } from '../../interface/market.ts';
import type { SlotAmounts } from '../../interface/slots.ts';
import type { Properties, Reason } from '../../interface/values.ts';

/** The two documents as they stand at this round of a negotiation. */
export interface Position {
  readonly offer: Pick<Offer, 'provider' | 'properties' | 'constraints' | 'expiresAt'>;
  readonly demand: Pick<Demand, 'requestor' | 'properties' | 'constraints' | 'expiresAt'>;
}

/** What negotiators may look at beside the two documents. */
export interface NegotiationContext {
  readonly now: number;
  /** Agreements of this node that are in force, in the same role. */
  readonly activeAgreements: number;
  /** Provider: what is free now; absent when nothing is counted. */
  readonly free?: SlotAmounts;
}

export type Verdict =
  | { readonly type: 'accept' }
  /** Agreed, if the negotiating side's own document said this. */
  | { readonly type: 'adjust'; readonly properties: Properties }
  | { readonly type: 'reject'; readonly reason: Reason }
  /** Someone else (a person, a REST client) will decide; to accept means these, too. */
  | { readonly type: 'pending'; readonly properties?: Properties };

/** One concern of a negotiation. Pure: the same position and context give the same verdict. */
export type Negotiator = (position: Position, context: NegotiationContext) => Verdict;

export const ACCEPT: Verdict = { type: 'accept' };

/** The verdict that ends a negotiation; the other side is told the reason. */
export function reject(code: string, message: string, detail?: Reason['detail']): Verdict {
  return { type: 'reject', reason: { code, message, ...(detail === undefined ? {} : { detail }) } };
}

/**
 * Asks the negotiators in order. The first rejection ends it; adjustments add up, each seen by those that follow;
 * `pending` stands when nobody rejects.
 */
export function negotiate(
  side: 'offer' | 'demand',
  negotiators: readonly Negotiator[],
  position: Position,
  context: NegotiationContext,
): Verdict {
  let current = position;
  let adjusted: Properties | undefined;
  let pending = false;
  for (const negotiator of negotiators) {
    const verdict = negotiator(current, context);
    if (verdict.type === 'reject') return verdict;
    if (verdict.type === 'pending') pending = true;
    if (verdict.type === 'adjust') {
      adjusted = { ...adjusted, ...verdict.properties };
      const own = { ...current[side], properties: { ...current[side].properties, ...verdict.properties } };
      current =
        side === 'offer'
          ? { ...current, offer: { ...current.offer, ...own } }
          : { ...current, demand: { ...current.demand, ...own } };
    }
  }
  if (pending)
    return adjusted === undefined ? { type: 'pending' } : { type: 'pending', properties: adjusted };
  return adjusted === undefined ? ACCEPT : { type: 'adjust', properties: adjusted };
}
