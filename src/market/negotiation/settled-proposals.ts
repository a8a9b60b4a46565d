import type { Agreement } from '../../interface/market.ts';
import type { Transaction } from '../../interface/store.ts';
import { canonicalJson } from '../../util/canonical-json.ts';
import { proposalBucket, type ProposalRecord } from './proposal-record.ts';

/**
 * Forgets the negotiation that has become this agreement, or came to its refusal, from its last round to its first, so
 * that it does not count as open any more: what it came to may be proposed again all the same. Of several that came to
 * the very same end, the oldest goes: the others may become agreements too.
 */
export async function dropSettledProposals(tx: Transaction, agreement: Agreement): Promise<void> {
  const { demandId, peerId } = agreement.demand;
  const found = await tx.list(proposalBucket, { where: { index: 'demand', equals: demandId } });
  const ours = found
    .map(({ value }) => value)
    .filter((proposal) => proposal.role === 'provider' && proposal.peerId === peerId);
  const [settled] = ours
    .filter((proposal) => cameTo(proposal, agreement))
    .sort((a, b) => a.createdAt - b.createdAt);
  const byCounter = new Map(
    ours.flatMap((proposal) =>
      proposal.answer.type === 'counter' ? [[proposal.answer.proposalId, proposal] as const] : [],
    ),
  );
  const seen = new Set<string>();
  for (let round = settled; round !== undefined && !seen.has(round.proposalId);) {
    seen.add(round.proposalId);
    tx.delete(proposalBucket, round.proposalId);
    round = round.prevProposalId === undefined ? undefined : byCounter.get(round.prevProposalId);
  }
}

function cameTo({ demand, answer }: ProposalRecord, agreement: Agreement): boolean {
  return (
    answer.type === 'counter' &&
    answer.offer.offerId === agreement.offer.offerId &&
    canonicalJson(demand) === canonicalJson(agreement.demand) &&
    canonicalJson(answer.offer) === canonicalJson(agreement.offer)
  );
}
