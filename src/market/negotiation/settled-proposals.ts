import type { Agreement } from '../../interface/market.ts';
import type { Transaction } from '../../interface/store.ts';
import { canonicalJson } from '../../util/canonical-json.ts';
import type { ProposalRecord } from './proposal-record.ts';
import { dropRounds, roundsOf } from './rounds.ts';

/**
 * Forgets the negotiation that has become this agreement, or came to its refusal, from its last round to its first, so
 * that it does not count as open any more: what it came to may be proposed again all the same. Of several that came to
 * the very same end, the oldest goes: the others may become agreements too.
 */
export async function dropSettledProposals(tx: Transaction, agreement: Agreement): Promise<void> {
  const { demandId, peerId } = agreement.demand;
  const rounds = await roundsOf(tx, { role: 'provider', peerId, demandId });
  const [settled] = rounds
    .filter((proposal) => cameTo(proposal, agreement))
    .sort((a, b) => a.createdAt - b.createdAt);
  if (settled !== undefined) dropRounds(tx, rounds, settled);
}

/** Whether the agreement is one of what this proposal was answered with. */
export function cameTo({ demand, answer }: ProposalRecord, agreement: Agreement): boolean {
  return (
    answer.type === 'counter' &&
    answer.offer.offerId === agreement.offer.offerId &&
    canonicalJson(demand) === canonicalJson(agreement.demand) &&
    canonicalJson(answer.offer) === canonicalJson(agreement.offer)
  );
}
