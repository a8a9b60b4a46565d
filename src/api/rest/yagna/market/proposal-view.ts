import type { DemandEvent, ProposalRecord } from '../records.ts';
import type { Platforms } from '../platforms.ts';
import { iso } from '../time.ts';
import { toClient } from './properties.ts';

/** A proposal as clients read it; `me` issues their own. */
export function proposalView(proposal: ProposalRecord, platforms: Platforms, me: string): object {
  const { proposalId, kind, state, offer, client, prevProposalId, createdAt } = proposal;
  const isOwn = kind === 'Counter' && client !== undefined;
  return {
    properties: isOwn ? client.properties : toClient(offer.properties, platforms),
    constraints: isOwn ? client.constraints : offer.constraints,
    proposalId,
    issuerId: isOwn ? me : offer.provider.toLowerCase(),
    state: state === 'Open' ? (kind === 'Initial' ? 'Initial' : 'Draft') : state,
    timestamp: iso(createdAt),
    ...(prevProposalId !== undefined && { prevProposalId }),
  };
}

export function demandEventView(
  { event, proposal }: { event: DemandEvent; proposal: ProposalRecord },
  platforms: Platforms,
  me: string,
): object {
  const eventDate = iso(event.at);
  if (event.rejection !== undefined) {
    const { proposalId } = proposal;
    return {
      eventType: 'ProposalRejectedEvent',
      eventDate,
      proposalId,
      reason: { message: event.rejection },
    };
  }
  return { eventType: 'ProposalEvent', eventDate, proposal: proposalView(proposal, platforms, me) };
}
