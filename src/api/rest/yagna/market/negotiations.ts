import {
  PROPERTY,
  type Demand,
  type Offer,
  type Properties,
  isErgonError,
} from '../../../../interface/index.ts';
import { delay } from '../../../../util/delay.ts';
import { conflict, gone, notFound } from '../errors.ts';
import type { YagnaContext } from '../init.ts';
import type { Platforms } from '../platforms.ts';
import {
  demandBucket,
  demandEventBucket,
  proposalBucket,
  type ClientDemand,
  type DemandRecord,
  type ProposalRecord,
} from './records.ts';
import { isId } from '../is-id.ts';
import { agreeTo } from './agree-to.ts';
import { ourDemand, type DemandBook } from './demand-book.ts';

const ASK_AGAIN_MS = 2_000;
const ATTEMPTS = 3;
/** How long the word on a counter-proposal waits for its client to read it: golem-js knows it only from then on. */
const READING_MS = 5_000;
/** A draft with less time than this is asked for anew before an agreement is made of it. */
const MIN_LEFT_MS = 45_000;
const PURGE_PAGE = 256;
/** A client may make an agreement of a draft a little after it has closed the demand. */
const CLOSED_KEPT_MS = 3600 * 1000;

type Context = Pick<
  YagnaContext,
  'store' | 'clock' | 'logger' | 'market' | 'newId' | 'address' | 'peerId' | 'stopSignal'
>;

/** The client's side of a negotiation, one proposal at a time; the provider's answers come as events of the demand. */
export class Negotiations {
  readonly #context: Context;
  readonly #demands: DemandBook;
  readonly #platforms: Platforms;
  /** Counter-proposals that their clients may not know yet, by id; aborted once the client has read it. */
  readonly #unread = new Map<string, AbortController>();

  constructor(context: Context, demands: DemandBook, platforms: Platforms) {
    this.#context = context;
    this.#demands = demands;
    this.#platforms = platforms;
  }

  /** @throws YagnaError */
  async get(demandId: string, proposalId: string): Promise<ProposalRecord> {
    const proposal = await this.find(proposalId);
    if (proposal?.demandId !== demandId) throw notFound('proposal', proposalId);
    return proposal;
  }

  /** The client has it before it, and knows what is meant by its id. */
  wasRead(proposalId: string): void {
    this.#unread.get(proposalId)?.abort();
  }

  async find(proposalId: string): Promise<ProposalRecord | undefined> {
    return isId(proposalId) ? this.#context.store.get(proposalBucket, proposalId) : undefined;
  }

  /** Answers a proposal of the provider; the returned one goes out in the background. */
  async counter(demandId: string, proposalId: string, client: ClientDemand): Promise<ProposalRecord> {
    const { store, clock, newId } = this.#context;
    const demand = await this.#demands.get(demandId);
    const previous = await this.get(demandId, proposalId);
    if (previous.kind === 'Counter') throw conflict("A proposal of one's own cannot be answered");
    if (previous.state === 'Rejected') throw gone(`Proposal ${proposalId} was rejected`);
    const counter: ProposalRecord = {
      proposalId: newId(),
      demandId,
      kind: 'Counter',
      state: 'Open',
      offer: previous.offer,
      marketOfferId: previous.marketOfferId,
      demand: this.#document(demand, client),
      client,
      prevProposalId: proposalId,
      createdAt: clock.now(),
      expiresAt: previous.expiresAt,
    };
    await store.transact(async (tx) => tx.put(proposalBucket, counter.proposalId, counter));
    this.#unread.set(counter.proposalId, new AbortController());
    void this.#send(counter, previous.providerProposalId).finally(() =>
      this.#unread.delete(counter.proposalId),
    );
    return counter;
  }

  /** The client does not go on from a proposal; the provider is told if it is a word of its own, not only its offer. */
  async reject(demandId: string, proposalId: string, message: string): Promise<void> {
    const { kind, state, prevProposalId } = await this.get(demandId, proposalId);
    if (state !== 'Open') throw gone(`Proposal ${proposalId} is ${state}`);
    if (kind === 'Counter') throw conflict("A proposal of one's own cannot be rejected");
    if (kind === 'Draft' && prevProposalId !== undefined)
      await this.#context.market.proposals.reject(prevProposalId, {
        code: 'Rejected',
        message: message.slice(0, 2048),
      });
    await this.#mark(proposalId, 'Rejected');
  }

  accepted(proposalId: string): Promise<void> {
    return this.#mark(proposalId, 'Accepted');
  }

  /**
   * A draft that an agreement can be made of now. Clients keep drafts for as long as they like, providers keep their
   * word for some minutes: an old draft is asked for once more, and is the same if the provider still says the same.
   */
  async ready(
    proposalId: string,
  ): Promise<Required<Pick<ProposalRecord, 'demand' | 'client'>> & ProposalRecord> {
    const draft = await this.find(proposalId);
    if (draft === undefined) throw notFound('proposal', proposalId);
    const { demand, client } = draft;
    if (draft.kind !== 'Draft' || demand === undefined || client === undefined)
      throw conflict(`Proposal ${proposalId} is not negotiated yet`);
    if (draft.state !== 'Open') throw gone(`Proposal ${proposalId} is ${draft.state}`);
    if (draft.offer.expiresAt > this.#context.clock.now() + MIN_LEFT_MS) return { ...draft, demand, client };
    const offer = await this.#askAnew(draft, demand);
    return { ...draft, demand: agreeTo(demand, offer), client, offer };
  }

  #document(record: DemandRecord, client: ClientDemand): Demand {
    const { address, peerId, clock } = this.#context;
    const { demandId, expiresAt } = record;
    const ours = ourDemand(client, this.#platforms);
    return {
      demandId,
      requestor: address,
      peerId,
      properties: { [PROPERTY.expiration]: expiresAt, ...ours.properties },
      constraints: ours.constraints,
      createdAt: clock.now(),
      expiresAt,
    };
  }

  async #send(counter: ProposalRecord, prevProposalId: string | undefined): Promise<void> {
    const { proposalId, offer, demand, client } = counter;
    try {
      if (demand === undefined || client === undefined) return;
      const chain = prevProposalId === undefined ? {} : { prevProposalId };
      const answer = await this.#ask({ proposalId, ...chain, offer, demand });
      if (answer.type === 'refused') {
        await this.#refused(counter, answer.message);
        return;
      }
      await this.#demands.tell({
        ...counter,
        proposalId: this.#context.newId(),
        kind: 'Draft',
        offer: answer.offer,
        demand: agreeTo(demand, answer.offer),
        prevProposalId: proposalId,
        providerProposalId: answer.proposalId,
        createdAt: this.#context.clock.now(),
        expiresAt: answer.offer.expiresAt,
      });
    } catch (err) {
      this.#context.logger.warn({ err, proposalId }, 'a proposal came to nothing');
      const message = err instanceof Error ? err.message : 'The proposal came to nothing';
      await this.#refused(counter, message).catch(() => undefined);
    }
  }

  async #refused({ demandId, proposalId, marketOfferId }: ProposalRecord, message: string): Promise<void> {
    const { clock, stopSignal } = this.#context;
    const read = this.#unread.get(proposalId)?.signal ?? stopSignal;
    await delay(clock, READING_MS, AbortSignal.any([read, stopSignal])).catch(() => undefined);
    await this.#demands.tellRejected(proposalId, message);
    this.#demands.failed(demandId, marketOfferId);
  }

  /** One proposal and its answer, waiting while the provider is undecided. */
  async #ask(request: {
    proposalId: string;
    prevProposalId?: string;
    offer: Offer;
    demand: Demand;
  }): Promise<{ type: 'counter'; offer: Offer; proposalId: string } | { type: 'refused'; message: string }> {
    const { market, clock, stopSignal } = this.#context;
    for (let attempt = 1; ; attempt += 1) {
      try {
        let record = await market.proposals.send(request, stopSignal);
        while (record.answer.type === 'pending' && clock.now() < record.expiresAt) {
          await delay(clock, ASK_AGAIN_MS, stopSignal);
          record = await market.proposals.poll(record.proposalId, request.offer, stopSignal);
        }
        const { answer } = record;
        if (answer.type === 'counter')
          return { type: 'counter', offer: answer.offer, proposalId: answer.proposalId };
        if (answer.type === 'rejected') return { type: 'refused', message: answer.reason.message };
        return { type: 'refused', message: 'The provider did not decide in time' };
      } catch (error) {
        stopSignal.throwIfAborted();
        const mayPass = isErgonError(
          error,
          'ERR_NETWORK_UNREACHABLE',
          'ERR_NETWORK_TIMEOUT',
          'ERR_NETWORK_BUSY',
        );
        if (!mayPass || attempt >= ATTEMPTS) throw error;
        await delay(clock, ASK_AGAIN_MS, stopSignal);
      }
    }
  }

  async #askAnew(draft: ProposalRecord, demand: Demand): Promise<Offer> {
    const { market, newId } = this.#context;
    const base = market.offers.get(draft.marketOfferId);
    if (base === undefined) throw gone('The offer of this proposal is not on the market any more');
    const proposalId = newId();
    const answer = await this.#ask({ proposalId, offer: base, demand });
    if (answer.type === 'refused') throw gone(`The proposal has expired: ${answer.message}`);
    if (sameProperties(answer.offer.properties, draft.offer.properties)) return answer.offer;
    const message = 'The proposal has expired, and the provider asks for something else now';
    await market.proposals.reject(proposalId, { code: 'Changed', message });
    throw gone(message);
  }

  async #mark(proposalId: string, state: ProposalRecord['state']): Promise<void> {
    await this.#context.store.transact(async (tx) => {
      const proposal = await tx.get(proposalBucket, proposalId);
      if (proposal !== undefined) tx.put(proposalBucket, proposalId, { ...proposal, state });
    });
  }

  /**
   * Drops what nobody can use any more: demands whose time is over, or that were closed a while ago, with their
   * proposals and unread events.
   */
  async purge(): Promise<void> {
    const { store, clock } = this.#context;
    const now = clock.now();
    let after: string | undefined;
    do {
      const page = await store.list(demandBucket, {
        limit: PURGE_PAGE,
        ...(after !== undefined && { after }),
      });
      for (const { id, value } of page) if (isOver(value, now)) await this.#drop(id);
      after = page.length < PURGE_PAGE ? undefined : page.at(-1)?.id;
    } while (after !== undefined);
  }

  #drop(demandId: string): Promise<void> {
    return this.#context.store.transact(async (tx) => {
      const where = { index: 'demand', equals: demandId };
      for (const { id } of await tx.list(proposalBucket, { where })) tx.delete(proposalBucket, id);
      for (const { id } of await tx.list(demandEventBucket, { where })) tx.delete(demandEventBucket, id);
      tx.delete(demandBucket, demandId);
    });
  }
}

function isOver({ expiresAt, closedAt = Infinity }: DemandRecord, now: number): boolean {
  return Math.min(expiresAt, closedAt + CLOSED_KEPT_MS) <= now;
}

function sameProperties(a: Properties, b: Properties): boolean {
  const sorted = (properties: Properties): string => JSON.stringify(Object.entries(properties).sort());
  return sorted(a) === sorted(b);
}
