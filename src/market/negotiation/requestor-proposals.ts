import type { Demand, Offer } from '../../interface/market.ts';
import { canonicalJson } from '../../util/canonical-json.ts';
import type { MarketComponents } from '../components.ts';
import { MarketError } from '../errors.ts';
import { receiveOffer } from '../offers/check-offer.ts';
import {
  KINDS,
  MARKET_PROTOCOL,
  checkProposalAnswer,
  type ProposalAnswer,
  type ProposalMessage,
} from '../wire.ts';
import { proposalBucket, type ProposalRecord } from './proposal-record.ts';

/** A proposal to be made to a provider. */
export interface ProposalRequest {
  /** Made by the caller; repeating it repeats the question, not the proposal. */
  readonly proposalId: string;
  /** The provider's counter-proposal that this one answers. */
  readonly prevProposalId?: string;
  readonly offer: Offer;
  readonly demand: Demand;
}

export interface RequestorProposalsInit {
  readonly proposalLifetimeMs: number;
  /** A provider that takes longer for one answer is passed over, or asked again. */
  readonly answerTimeoutMs: number;
}

type Components = Pick<MarketComponents, 'store' | 'network' | 'clock' | 'verifier' | 'addressOfPeerId'>;

/** The requestor's proposals, one round each. */
export class RequestorProposals {
  readonly #init: RequestorProposalsInit;
  readonly #components: Components;

  constructor(init: RequestorProposalsInit, components: Components) {
    this.#init = init;
    this.#components = components;
  }

  /** Sends a proposal against an offer and keeps the answer. Throws a NetworkError or a MarketError. */
  async send(request: ProposalRequest, signal: AbortSignal): Promise<ProposalRecord> {
    const { offer, demand, ...ids } = request;
    const message: ProposalMessage = { ...ids, offerId: offer.offerId, demand };
    const answer = await this.#ask(offer, KINDS.sendProposal, message, signal);
    return this.#keep(request, answer);
  }

  /** Asks again for the answer to a pending proposal. */
  async poll(proposalId: string, offer: Offer, signal: AbortSignal): Promise<ProposalRecord> {
    const { store } = this.#components;
    const record = await store.get(proposalBucket, proposalId);
    if (record?.role !== 'requestor') {
      throw new MarketError('ERR_MARKET_PROPOSAL_NOT_FOUND', `There is no proposal ${proposalId}`, {
        proposalId,
      });
    }
    if (record.answer.type !== 'pending') return record;
    const answer = await this.#ask(offer, KINDS.getProposal, { id: proposalId }, signal);
    return this.#keep({ ...record, offer }, answer);
  }

  async #ask(
    offer: Offer,
    kind: string,
    body: ProposalMessage | { id: string },
    signal: AbortSignal,
  ): Promise<ProposalAnswer> {
    const { network, clock } = this.#components;
    const reply = await network.request(offer.peerId, MARKET_PROTOCOL, kind, body, {
      signal,
      multiaddrs: offer.multiaddrs,
      timeoutMs: this.#init.answerTimeoutMs,
    });
    const answer = checkProposalAnswer(reply);
    if (answer.type !== 'counter' || canonicalJson(answer.offer) === canonicalJson(offer)) return answer;
    const countered = receiveOffer(answer.offer, clock.now(), this.#components).offer;
    if (countered.provider !== offer.provider || countered.peerId !== offer.peerId) {
      throw new MarketError(
        'ERR_MARKET_OFFER_INVALID',
        `${offer.provider} answered with an offer of ${countered.provider}`,
        {
          offerId: countered.offerId,
        },
      );
    }
    return answer;
  }

  async #keep(request: ProposalRequest, answer: ProposalAnswer): Promise<ProposalRecord> {
    const { store, clock } = this.#components;
    const { offer, demand, proposalId, prevProposalId } = request;
    return store.transact(async (tx) => {
      const known = await tx.get(proposalBucket, proposalId);
      const createdAt = known?.createdAt ?? clock.now();
      const record: ProposalRecord = {
        proposalId,
        ...(prevProposalId === undefined ? {} : { prevProposalId }),
        role: 'requestor',
        peerId: offer.peerId,
        address: offer.provider,
        offerId: offer.offerId,
        demand,
        round: known?.round ?? (await roundAfter(tx, prevProposalId)),
        answer,
        createdAt,
        expiresAt: createdAt + this.#init.proposalLifetimeMs,
      };
      tx.put(proposalBucket, proposalId, record);
      tx.emit({
        type: 'proposal.answered',
        subject: proposalId,
        data: { role: 'requestor', answer: answer.type, peerId: offer.peerId, address: offer.provider },
      });
      return record;
    });
  }
}

async function roundAfter(
  tx: Pick<MarketComponents['store'], 'list'>,
  prevProposalId: string | undefined,
): Promise<number> {
  if (prevProposalId === undefined) return 1;
  const [previous] = await tx.list(proposalBucket, {
    where: { index: 'counter', equals: prevProposalId },
    limit: 1,
  });
  return Math.min(64, (previous?.value.round ?? 1) + 1);
}
