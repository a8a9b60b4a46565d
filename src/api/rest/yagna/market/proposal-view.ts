import type { ProposalRecord as ReceivedProposal } from '../../../../market/index.ts';
import type { DemandEvent, ProposalRecord } from './records.ts';
import type { Platforms } from '../platforms.ts';
import { iso } from '../time.ts';
import { toReply } from './properties.ts';

/** A proposal as clients read it; `me` issues their own. */
export function proposalView(proposal: ProposalRecord, platforms: Platforms, me: string): object {
  const { proposalId, kind, state, offer, client, prevProposalId, createdAt } = proposal;
  const isOwn = kind === 'Counter' && client !== undefined;
  return {
    properties: isOwn ? client.properties : toReply(offer.properties, platforms),
    constraints: isOwn ? client.constraints : offer.constraints,
    proposalId,
    issuerId: isOwn ? me : offer.provider.toLowerCase(),
    state: state === 'Open' ? (kind === 'Initial' ? 'Initial' : 'Draft') : state,
    timestamp: iso(createdAt),
    ...(prevProposalId !== undefined && { prevProposalId }),
  };
}

/**
 * What is on record of a requestor's proposal to an offer of this node, as clients read it: the proposal itself, or,
 * under the id of its answer, what was answered.
 */
export function receivedView(
  { proposalId, prevProposalId, address, demand, answer, createdAt }: ReceivedProposal,
  wanted: string,
  platforms: Platforms,
  me: string,
): object {
  if (answer.type === 'counter' && wanted === answer.proposalId) {
    const { properties, constraints } = answer.offer;
    const own = { proposalId: wanted, issuerId: me, state: 'Draft', prevProposalId: proposalId };
    return { ...own, properties: toReply(properties, platforms), constraints, timestamp: iso(createdAt) };
  }
  return {
    properties: toReply(demand.properties, platforms),
    constraints: demand.constraints,
    proposalId,
    issuerId: address.toLowerCase(),
    state: answer.type === 'rejected' ? 'Rejected' : 'Draft',
    timestamp: iso(createdAt),
    ...(prevProposalId !== undefined && { prevProposalId }),
  };
}

/** An event of a demand as Yagna has it. */
export function demandEventView(
  { event, proposal }: { event: DemandEvent; proposal: ProposalRecord },
  platforms: Platforms,
  me: string,
): object {
  if (event.rejection !== undefined) return rejectedView(proposal.proposalId, event.rejection, event.at);
  const eventDate = iso(event.at);
  return { eventType: 'ProposalEvent', eventDate, proposal: proposalView(proposal, platforms, me) };
}

/** The event that either party is told by when the other has rejected its proposal. */
export function rejectedView(proposalId: string, message: string, at: number): object {
  return { eventType: 'ProposalRejectedEvent', eventDate: iso(at), proposalId, reason: { message } };
}
