import type { RequestHandler, Sender } from '../../interface/network.ts';
import type { JsonValue, Transaction } from '../../interface/store.ts';
import type { Reason } from '../../interface/values.ts';
import { agreementBucket } from '../agreements/records.ts';
import type { MarketComponents } from '../components.ts';
import { offerBucket } from '../offers/bucket.ts';
import { KINDS, MARKET_PROTOCOL, checkRejectionMessage, type RejectionMessage } from '../wire.ts';
import { manual } from './manual.ts';
import type { Negotiator } from './negotiator.ts';
import { proposalBucket, type ProposalRecord } from './proposal-record.ts';
import { dropRounds, roundsOf, type PeerDemand } from './rounds.ts';
import { cameTo } from './settled-proposals.ts';

type Components = Pick<MarketComponents, 'store' | 'clock' | 'newId'> & {
  readonly negotiators: readonly Negotiator[];
};

/**
 * How a requestor ends a negotiation that it does not go on with: its provider is told, keeps its word no longer, and has
 * room for another proposal. A provider ends one by its answer to a proposal.
 */
export class Rejections {
  readonly #components: Components;

  constructor(components: Components) {
    this.#components = components;
  }

  /**
   * Requestor: refuses what the provider answered to this proposal. Idempotent; of a word that is no counter-proposal,
   * or that has been forgotten since its time was over, there is nothing to refuse.
   */
  async reject(proposalId: string, reason: Reason): Promise<void> {
    const { store, clock, newId } = this.#components;
    const messageId = newId();
    await store.transact(async (tx) => {
      const record = await tx.get(proposalBucket, proposalId);
      if (record?.role !== 'requestor' || record.answer.type !== 'counter') return;
      dropRounds(tx, await roundsOf(tx, peerDemandOf(record)), record);
      const counterId = record.answer.proposalId;
      emit(tx, record, { counterId, reason });
      if (record.expiresAt <= clock.now()) return;
      const body: RejectionMessage = { proposalId: counterId, reason };
      const to = { peerId: record.peerId, protocol: MARKET_PROTOCOL, kind: KINDS.rejectProposal };
      tx.send({ id: messageId, ...to, body, expiresAt: record.expiresAt });
    });
  }

  receiveRequest(): RequestHandler<RejectionMessage> {
    return {
      check: checkRejectionMessage,
      handle: async (message, sender) => this.#receive(message, sender),
    };
  }

  /** What is not known here (any more) needs nothing; what another peer was told is not known to this one. */
  async #receive({ proposalId, reason }: RejectionMessage, sender: Sender): Promise<JsonValue> {
    const { store, negotiators } = this.#components;
    return store.transact(async (tx) => {
      const record = await counterTo(tx, proposalId, sender);
      if (record === undefined) return { state: 'Unknown' };
      if (await isAgreed(tx, record)) return { state: 'Agreed' };
      const hand = await handOf(tx, record);
      await dropNegotiation(tx, record);
      // Only what someone has decided on is news: strangers must not fill the event log by asking.
      if (hand !== undefined || negotiators.includes(manual))
        emit(tx, record, { counterId: proposalId, reason, ...(hand !== undefined && { hand }) });
      return { state: 'Rejected' };
    });
  }
}

/** This provider's counter-proposal of that id to that peer: the proposal that it answered. */
async function counterTo(
  tx: Transaction,
  counterId: string,
  { peerId, address }: Sender,
): Promise<ProposalRecord | undefined> {
  const found = await tx.list(proposalBucket, { where: { index: 'counter', equals: counterId } });
  const own = found.find(
    ({ value }) => value.role === 'provider' && value.peerId === peerId && value.address === address,
  );
  // Read, so that of two rejections at once only one is the first.
  return own === undefined ? undefined : tx.get(proposalBucket, own.id);
}

/** An agreement was proposed of it, which its provider decides on: whoever wants to end that, cancels it. */
async function isAgreed(tx: Transaction, record: ProposalRecord): Promise<boolean> {
  const where = { index: 'roleState', equals: 'provider:Pending' };
  return (await tx.list(agreementBucket, { where })).some(({ value }) => cameTo(record, value.agreement));
}

async function handOf(tx: Transaction, { answer }: ProposalRecord): Promise<string | undefined> {
  return answer.type === 'counter' ? (await tx.get(offerBucket, answer.offer.offerId))?.hand : undefined;
}

/** Forgets the rounds, and the offers that were signed for nothing else. */
async function dropNegotiation(tx: Transaction, record: ProposalRecord): Promise<void> {
  const rounds = await roundsOf(tx, peerDemandOf(record));
  const dropped = dropRounds(tx, rounds, record);
  const gone = new Set(dropped.map(({ proposalId }) => proposalId));
  const inUse = new Set(rounds.filter(({ proposalId }) => !gone.has(proposalId)).flatMap(offersOf));
  for (const offerId of new Set(dropped.flatMap(offersOf))) {
    const own = inUse.has(offerId) ? undefined : await tx.get(offerBucket, offerId);
    if (own !== undefined && own.name === undefined) tx.delete(offerBucket, offerId);
  }
}

function offersOf({ offerId, answer }: ProposalRecord): string[] {
  return answer.type === 'counter' ? [offerId, answer.offer.offerId] : [offerId];
}

function peerDemandOf({ role, peerId, demand: { demandId } }: ProposalRecord): PeerDemand {
  return { role, peerId, demandId };
}

function emit(
  tx: Transaction,
  { proposalId, role, peerId, address }: ProposalRecord,
  what: { readonly counterId: string; readonly reason: Reason; readonly hand?: string },
): void {
  tx.emit({ type: 'proposal.rejected', subject: proposalId, data: { role, peerId, address, ...what } });
}
