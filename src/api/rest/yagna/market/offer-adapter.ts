import { Type } from 'typebox';
import { Id, PROPERTY, Reason, Role, type StoredEvent } from '../../../../interface/index.ts';
import {
  proposalBucket as receivedBucket,
  type OfferDraft,
  type ProposalRecord,
} from '../../../../market/index.ts';
import { checker } from '../../../../util/check.ts';
import { conflict, gone, invalid, notFound, YagnaError } from '../errors.ts';
import { StoreFollower } from '../events/follower.ts';
import { Notifier } from '../hold.ts';
import type { YagnaContext } from '../init.ts';
import type { Platforms } from '../platforms.ts';
import {
  handOfferBucket,
  offerEventBucket,
  type ClientDemand,
  type HandOffer,
  type OfferEvent,
} from './records.ts';
import { isId } from '../is-id.ts';
import { positionBucket } from '../events/records.ts';
import { ourConstraints } from './constraints.ts';
import { handDraft, words } from './hand-offer.ts';
import { fromClient } from './properties.ts';

const checkRejection = checker(
  Type.Object({ role: Role, hand: Type.Optional(Id), counterId: Id, reason: Reason }),
  'rejection of a proposal',
);
const POSITION = 'offers';
const MAX_OPEN_OFFERS = 256;

type Context = Pick<
  YagnaContext,
  'store' | 'clock' | 'logger' | 'market' | 'newId' | 'events' | 'offerTemplate'
>;

/**
 * Offers that clients publish by hand, and what each client has still to be told of its own. The market does the rest:
 * it negotiates as for any offer, and asks whoever published it for the last word. Survives a restart.
 */
export class OfferAdapter {
  readonly changed = new Notifier();
  readonly #context: Context;
  readonly #platforms: Platforms;
  readonly #follower: StoreFollower;

  constructor(context: Context, platforms: Platforms) {
    this.#context = context;
    this.#platforms = platforms;
    const types = ['proposal.received', 'proposal.rejected', 'agreement.proposed'];
    this.#follower = new StoreFollower(context, { position: POSITION, types }, (event) => this.#hear(event));
  }

  async start(): Promise<void> {
    for (const offer of await this.open()) {
      await this.#offer(offer).catch((err: unknown) =>
        this.#context.logger.warn({ err, subscriptionId: offer.subscriptionId }, 'offer by hand left out'),
      );
    }
    this.#follower.start();
  }

  stop(): Promise<void> {
    return this.#follower.stop();
  }

  async open(): Promise<HandOffer[]> {
    const where = { index: 'open', equals: 'yes' };
    return (await this.#context.store.list(handOfferBucket, { where })).map(({ value }) => value);
  }

  async publish(client: ClientDemand): Promise<string> {
    const { store, clock, newId } = this.#context;
    if ((await this.open()).length >= MAX_OPEN_OFFERS)
      throw invalid(`${MAX_OPEN_OFFERS} offers are open already`);
    const offer: HandOffer = { subscriptionId: newId(), client, createdAt: clock.now() };
    await this.#offer(offer);
    await store.transact(async (tx) => tx.put(handOfferBucket, offer.subscriptionId, offer));
    return offer.subscriptionId;
  }

  /** @throws YagnaError when it is none of the open ones */
  async get(subscriptionId: string): Promise<HandOffer> {
    const { store } = this.#context;
    const offer = isId(subscriptionId) ? await store.get(handOfferBucket, subscriptionId) : undefined;
    if (offer === undefined || offer.closedAt !== undefined) throw notFound('offer', subscriptionId);
    return offer;
  }

  async close(subscriptionId: string): Promise<void> {
    const { store, clock, market } = this.#context;
    const offer = await this.get(subscriptionId);
    await store.transact(async (tx) => {
      await tx.get(handOfferBucket, subscriptionId);
      tx.put(handOfferBucket, subscriptionId, { ...offer, closedAt: clock.now() });
      const where = { index: 'offer', equals: subscriptionId };
      for (const { id } of await tx.list(offerEventBucket, { where })) tx.delete(offerEventBucket, id);
    });
    await market.offers.takeBack(subscriptionId);
    this.changed.notify();
  }

  /** Takes up to `max` events out of the queue. */
  take(subscriptionId: string, max: number): Promise<OfferEvent[]> {
    return this.#context.store.transact(async (tx) => {
      const where = { index: 'offer', equals: subscriptionId };
      const taken: OfferEvent[] = [];
      for (const { id, value } of await tx.list(offerEventBucket, { where, limit: max })) {
        // Read, so that two polls at once do not both take it.
        if ((await tx.get(offerEventBucket, id)) === undefined) continue;
        tx.delete(offerEventBucket, id);
        taken.push(value);
      }
      return taken;
    });
  }

  /** A requestor's proposal, by its id or by that of the answer to it. @throws YagnaError */
  async proposal(subscriptionId: string, proposalId: string): Promise<ProposalRecord> {
    await this.get(subscriptionId);
    const record = isId(proposalId) ? await this.#received(proposalId) : undefined;
    const own = record === undefined ? undefined : await this.#context.market.offers.byHand(record.offerId);
    if (record === undefined || own?.hand !== subscriptionId) throw notFound('proposal', proposalId);
    return record;
  }

  /** The id of the counter-proposal. */
  async counter(subscriptionId: string, proposalId: string, client: ClientDemand): Promise<string> {
    const { market } = this.#context;
    const record = await this.#pending(subscriptionId, proposalId);
    const base = (await market.offers.byHand(record.offerId))?.offer;
    if (base === undefined) throw gone('The offer of this proposal is not on the market any more');
    if (
      ourConstraints(client.constraints, this.#platforms) !==
      ourConstraints(base.constraints, this.#platforms)
    )
      throw invalid('The constraints of an offer stand: publish another one to ask for something else');
    const counters = base.properties[PROPERTY.usageVector];
    const properties = words(
      base.properties,
      client.properties,
      this.#platforms,
      Array.isArray(counters) ? counters.map(String) : [],
    );
    const { answer } = await market.proposals.decide(proposalId, { type: 'accept', properties });
    if (answer.type === 'counter') return answer.proposalId;
    const why = answer.type === 'rejected' ? answer.reason.message : 'it was not decided';
    throw gone(`This node's policy does not allow it: ${why}`);
  }

  async reject(subscriptionId: string, proposalId: string, message: string): Promise<void> {
    await this.#pending(subscriptionId, proposalId);
    const reason = { code: 'Rejected', message: message.slice(0, 2048) };
    await this.#context.market.proposals.decide(proposalId, { type: 'reject', reason });
  }

  async #pending(subscriptionId: string, proposalId: string): Promise<ProposalRecord> {
    const record = await this.proposal(subscriptionId, proposalId);
    if (record.proposalId !== proposalId) throw conflict("A proposal of one's own cannot be answered");
    if (record.answer.type !== 'pending') throw gone(`Proposal ${proposalId} was answered already`);
    if (record.expiresAt <= this.#context.clock.now()) throw gone(`Proposal ${proposalId} has expired`);
    return record;
  }

  async #received(proposalId: string): Promise<ProposalRecord | undefined> {
    const { store } = this.#context;
    const found = await store.get(receivedBucket, proposalId);
    if (found?.role === 'provider') return found;
    const where = { index: 'counter', equals: proposalId };
    const answered = await store.list(receivedBucket, { where });
    return answered.map(({ value }) => value).find(({ role }) => role === 'provider');
  }

  async #draft(client: ClientDemand): Promise<OfferDraft> {
    const { offerTemplate } = this.#context;
    if (offerTemplate === undefined)
      throw new YagnaError('ERR_YAGNA_CONFLICT', 'This node only buys: `provider.enabled` is off');
    const name = fromClient(client.properties, this.#platforms)[PROPERTY.runtimeName];
    const base = typeof name === 'string' ? await offerTemplate(name) : undefined;
    if (base === undefined)
      throw invalid(
        `${PROPERTY.runtimeName} is ${JSON.stringify(name ?? null)}: no runtime that works on this node`,
      );
    return handDraft(base, client, this.#platforms);
  }

  async #offer({ subscriptionId, client }: HandOffer): Promise<void> {
    const draft = await this.#draft(client);
    await this.#context.market.offers.offerByHand(subscriptionId, draft);
  }

  async #hear(event: StoredEvent): Promise<void> {
    const { store, newId } = this.#context;
    const found = await this.#about(event);
    await store.transact(async (tx) => {
      const before = await tx.get(positionBucket, POSITION);
      if (before !== undefined && before.seq >= event.seq) return;
      tx.put(positionBucket, POSITION, { seq: event.seq, micros: 0 });
      if (found !== undefined) tx.put(offerEventBucket, newId(), found);
    });
    if (found !== undefined) this.changed.notify();
  }

  /** What an event has to tell whoever published an offer by hand. */
  async #about(event: StoredEvent): Promise<OfferEvent | undefined> {
    const found =
      event.type === 'proposal.rejected' ? aboutRejection(event) : await this.#aboutProposed(event);
    if (found === undefined) return undefined;
    const offer = await this.#context.store.get(handOfferBucket, found.subscriptionId);
    return offer === undefined || offer.closedAt !== undefined ? undefined : found;
  }

  async #aboutProposed({ type, subject, at }: StoredEvent): Promise<OfferEvent | undefined> {
    const { store, market } = this.#context;
    const isProposal = type === 'proposal.received';
    const proposal = isProposal ? await store.get(receivedBucket, subject) : undefined;
    const agreement = isProposal ? undefined : await market.get(subject);
    const offerId = agreement?.role === 'provider' ? agreement.agreement.offer.offerId : proposal?.offerId;
    const subscriptionId = offerId === undefined ? undefined : (await market.offers.byHand(offerId))?.hand;
    if (subscriptionId === undefined) return undefined;
    return { subscriptionId, at, ...(isProposal ? { proposalId: subject } : { agreementId: subject }) };
  }
}

/** The negotiation is forgotten by now: what there is to be told stands in the event. */
function aboutRejection({ data, at }: StoredEvent): OfferEvent | undefined {
  const { role, hand, counterId, reason } = checkRejection(data);
  if (role !== 'provider' || hand === undefined) return undefined;
  return { subscriptionId: hand, at, proposalId: counterId, rejection: reason.message };
}
