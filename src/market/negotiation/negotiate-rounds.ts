import type { Demand, Offer } from '../../interface/market.ts';
import type { Reason } from '../../interface/values.ts';
import { delay } from '../../util/delay.ts';
import type { MarketComponents } from '../components.ts';
import { negotiate, type NegotiationContext, type Negotiator } from './negotiator.ts';
import type { ProposalRecord } from './proposal-record.ts';
import type { Rejections } from './rejections.ts';
import type { RequestorProposals } from './requestor-proposals.ts';

export type NegotiationResult =
  | { readonly type: 'agreed'; readonly offer: Offer; readonly demand: Demand }
  | { readonly type: 'refused'; readonly reason: Reason };

const NO_DECISION: Reason = {
  code: 'NoDecision',
  message: 'The provider did not decide before the proposal expired',
};

/** One of our proposals, and the id of what the provider answered to it. */
interface CounteredProposal {
  readonly proposalId: string;
  readonly counterId: string;
}

export interface RoundsInit {
  readonly maxRounds: number;
  readonly pendingPollMs: number;
}

type Components = Pick<MarketComponents, 'clock' | 'newId'> & {
  readonly proposals: RequestorProposals;
  readonly rejections: Rejections;
};

/**
 * The requestor's side of a negotiation: its negotiators judge each offer that comes, and adjust the demand until both
 * sides accept, one refuses, or the rounds are used up. A provider whose word is refused is told so. Throws what
 * `RequestorProposals.send` throws.
 */
export async function negotiateRounds(
  init: RoundsInit,
  components: Components,
  position: { readonly offer: Offer; readonly demand: Demand },
  negotiators: readonly Negotiator[],
  context: NegotiationContext,
  signal: AbortSignal,
): Promise<NegotiationResult> {
  let { offer, demand } = position;
  let last: CounteredProposal | undefined;
  const refuse = async (reason: Reason): Promise<NegotiationResult> => {
    if (last !== undefined) await components.rejections.reject(last.proposalId, reason);
    return { type: 'refused', reason };
  };
  for (let round = 0; ; round++) {
    const verdict = negotiate('demand', negotiators, { offer, demand }, context);
    if (verdict.type === 'reject') return refuse(verdict.reason);
    if (verdict.type === 'adjust')
      demand = { ...demand, properties: { ...demand.properties, ...verdict.properties } };
    if (verdict.type === 'accept' && last !== undefined) return { type: 'agreed', offer, demand };
    if (round === init.maxRounds)
      return refuse({ code: 'TooManyRounds', message: `No agreement after ${round} rounds` });
    const prevProposalId = last?.counterId;
    const { proposalId, answer } = await propose(init, components, { offer, demand, prevProposalId }, signal);
    if (answer.type === 'rejected') return { type: 'refused', reason: answer.reason };
    if (answer.type === 'pending') return { type: 'refused', reason: NO_DECISION };
    offer = answer.offer;
    last = { proposalId, counterId: answer.proposalId };
  }
}

/** One round, waiting while the provider's answer is pending. */
async function propose(
  { pendingPollMs }: RoundsInit,
  { proposals, clock, newId }: Components,
  { offer, demand, prevProposalId }: { offer: Offer; demand: Demand; prevProposalId: string | undefined },
  signal: AbortSignal,
): Promise<ProposalRecord> {
  const chain = prevProposalId === undefined ? {} : { prevProposalId };
  let record = await proposals.send({ proposalId: newId(), ...chain, offer, demand }, signal);
  while (record.answer.type === 'pending' && clock.now() < record.expiresAt) {
    await delay(clock, pendingPollMs, signal);
    record = await proposals.poll(record.proposalId, offer, signal);
  }
  return record;
}
