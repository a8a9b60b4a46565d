import { Type, type Static } from 'typebox';
import { Demand, Role } from '../../interface/market.ts';
import type { Bucket } from '../../interface/store.ts';
import { Address, Id, PeerId, Timestamp } from '../../interface/values.ts';
import { checker } from '../../util/check.ts';
import { ProposalAnswer } from '../wire.ts';

/** One round of a negotiation: a requestor's proposal, and the provider's answer to it. */
export const ProposalRecord = Type.Object(
  {
    proposalId: Id,
    /** The provider's counter-proposal that this one answers. */
    prevProposalId: Type.Optional(Id),
    /** This node's role. */
    role: Role,
    /** The other party. */
    peerId: PeerId,
    address: Address,
    offerId: Id,
    demand: Demand,
    /** Counts the proposals of the chain from 1. */
    round: Type.Integer({ minimum: 1, maximum: 64 }),
    answer: ProposalAnswer,
    createdAt: Timestamp,
    expiresAt: Timestamp,
  },
  { additionalProperties: false },
);
export type ProposalRecord = Static<typeof ProposalRecord>;

/** Proposals of both roles with what came of them, by the id of the requestor's. */
export const proposalBucket: Bucket<ProposalRecord> = {
  name: 'proposals',
  check: checker(ProposalRecord, 'proposal record'),
  indexes: {
    peer: ({ peerId }) => [peerId],
    demand: ({ demand }) => [demand.demandId],
    /** Counter-proposals, by their own id. */
    counter: ({ answer }) => (answer.type === 'counter' ? [answer.proposalId] : []),
    state: ({ role, answer }) => [`${role}:${answer.type}`],
  },
};
