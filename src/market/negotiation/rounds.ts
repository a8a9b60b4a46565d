import type { Transaction } from '../../interface/store.ts';
import { proposalBucket, type ProposalRecord } from './proposal-record.ts';

/** One demand, as one peer negotiates about it. */
export interface PeerDemand {
  readonly role: ProposalRecord['role'];
  readonly peerId: string;
  readonly demandId: string;
}

/** All proposals that are on record of one peer's or to one peer, about one demand, of whichever negotiation. */
export async function roundsOf(
  tx: Transaction,
  { role, peerId, demandId }: PeerDemand,
): Promise<ProposalRecord[]> {
  const found = await tx.list(proposalBucket, { where: { index: 'demand', equals: demandId } });
  return found
    .map(({ value }) => value)
    .filter((proposal) => proposal.role === role && proposal.peerId === peerId);
}

/** Forgets a negotiation from its last round to its first; returns them in this order. */
export function dropRounds(
  tx: Transaction,
  rounds: readonly ProposalRecord[],
  last: ProposalRecord,
): ProposalRecord[] {
  const byCounter = new Map(
    rounds.flatMap((proposal) =>
      proposal.answer.type === 'counter' ? [[proposal.answer.proposalId, proposal] as const] : [],
    ),
  );
  const dropped = new Map<string, ProposalRecord>();
  for (let round: ProposalRecord | undefined = last; round !== undefined && !dropped.has(round.proposalId);) {
    dropped.set(round.proposalId, round);
    tx.delete(proposalBucket, round.proposalId);
    round = round.prevProposalId === undefined ? undefined : byCounter.get(round.prevProposalId);
  }
  return [...dropped.values()];
}
