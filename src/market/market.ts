import type { AgreementRecord, AgreementRequest, Role } from '../interface/market.ts';
import type { Reason } from '../interface/values.ts';
import { explainOffers } from './agreements/candidates.ts';
import { ProviderAgreements } from './agreements/provider.ts';
import { agreementBucket } from './agreements/records.ts';
import { RequestorAgreements, type AgreementDraft } from './agreements/requestor.ts';
import { Search } from './agreements/search.ts';
import { Terminations } from './agreements/termination.ts';
import { verifyAgreement, type AgreementVerification } from './agreements/verify.ts';
import { Watcher } from './agreements/watcher.ts';
import type { MarketComponents } from './components.ts';
import type { Market, Offers, Proposals } from './contract.ts';
import { withDefaults, type MarketInit, type MarketSettings } from './init.ts';
import { parseFilter } from './language/parse.ts';
import { requestorChain, type ProviderPolicy } from './negotiation/chains.ts';
import { LivePolicy } from './negotiation/live-policy.ts';
import type { NegotiationContext } from './negotiation/negotiator.ts';
import { ProviderProposals } from './negotiation/provider-proposals.ts';
import { Rejections } from './negotiation/rejections.ts';
import { RequestorProposals } from './negotiation/requestor-proposals.ts';
import { Discovery } from './offers/discovery.ts';
import { OfferBook } from './offers/offer-book.ts';
import { OwnOffers } from './offers/own-offers.ts';
import { KINDS, MARKET_PROTOCOL, served } from './wire.ts';

/** Makes the market of a node. Registers its protocol: call before the network starts. */
export function market(init: MarketInit, components: MarketComponents): Market {
  return new MarketService(withDefaults(init), components);
}

class MarketService implements Market {
  readonly offers: Offers;
  readonly proposals: Proposals;
  readonly #components: MarketComponents;
  readonly #own: OwnOffers;
  readonly #policy: LivePolicy;
  readonly #discovery: Discovery;
  readonly #provider: ProviderAgreements;
  readonly #requestor: RequestorAgreements;
  readonly #terminations: Terminations;
  readonly #search: Search;
  readonly #watcher: Watcher;
  readonly #settings: MarketSettings;
  readonly #requests = new Map<string, Promise<AgreementRecord>>();
  #cancelAnnounceTimer: () => void = () => undefined;
  #stopping = new AbortController();

  constructor(settings: MarketSettings, components: MarketComponents) {
    this.#settings = settings;
    this.#components = components;
    const book = new OfferBook(settings, components);
    const own = new OwnOffers(settings, components);
    const discovery = new Discovery({ ...components, book, own });
    const onReleased = (): void => this.#refreshOffers();
    const terminations = new Terminations({ ...components, onReleased });
    const policy = new LivePolicy(settings.provider);
    const providing = {
      ...components,
      own,
      get negotiators() {
        return policy.negotiators;
      },
      context: () => this.#context('provider'),
    };
    const providerProposals = new ProviderProposals(settings, providing);
    const proposals = new RequestorProposals(settings, components);
    const rejections = new Rejections(providing);
    const requestor = new RequestorAgreements(settings, { ...components, terminations });
    this.#own = own;
    this.#policy = policy;
    this.#discovery = discovery;
    this.#terminations = terminations;
    this.#requestor = requestor;
    this.#provider = new ProviderAgreements(providing);
    this.#search = new Search(settings, {
      ...components,
      book,
      discovery,
      proposals,
      rejections,
      agreements: requestor,
      negotiators: requestorChain(settings.requestor),
      context: () => this.#context('requestor'),
    });
    this.#watcher = new Watcher(settings, {
      ...components,
      requestor,
      terminations,
      isDriven: (id) => this.#requests.has(id),
    });
    this.offers = offersOf(book, own);
    this.proposals = {
      send: (request, signal) => proposals.send(request, signal),
      poll: (proposalId, offer, signal) => proposals.poll(proposalId, offer, signal),
      decide: (proposalId, decision) => providerProposals.decide(proposalId, decision),
      reject: (proposalId, reason) => rejections.reject(proposalId, reason),
    };
    this.#serve(providerProposals, rejections);
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController();
    this.#discovery.start();
    this.#watcher.start();
    this.#announceLater();
    void this.#refreshWhenActivitiesEnd(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelAnnounceTimer();
    this.#discovery.stop();
    await Promise.allSettled(this.#requests.values());
    await this.#watcher.stop();
    await this.#own.idle();
  }

  get(agreementId: string): Promise<AgreementRecord | undefined> {
    return this.#components.store.get(agreementBucket, agreementId);
  }

  /** Two calls at once with one id are one request. */
  request(request: AgreementRequest, signal: AbortSignal): Promise<AgreementRecord> {
    return this.#drive(request.agreementId, signal, (either) => this.#search.run(request, either));
  }

  terminate(agreementId: string, reason: Reason): Promise<AgreementRecord> {
    return this.#terminations.terminate(agreementId, reason);
  }

  create(draft: AgreementDraft): Promise<AgreementRecord> {
    return this.#requestor.create(draft);
  }

  confirm(agreementId: string, signal: AbortSignal): Promise<AgreementRecord> {
    return this.#drive(agreementId, signal, (either) => this.#requestor.confirm(agreementId, either));
  }

  approve(agreementId: string): Promise<AgreementRecord> {
    return this.#provider.approve(agreementId);
  }

  reject(agreementId: string, reason: Reason): Promise<AgreementRecord> {
    return this.#provider.reject(agreementId, reason);
  }

  changePolicy(part: Partial<ProviderPolicy>): void {
    this.#policy.change(part);
  }

  verify(record: AgreementRecord): AgreementVerification {
    return verifyAgreement(record, this.#components);
  }

  /** One run for each id; it ends with the first caller's signal, or with the market, and leaves what is on record. */
  #drive(
    agreementId: string,
    signal: AbortSignal,
    run: (signal: AbortSignal) => Promise<AgreementRecord>,
  ): Promise<AgreementRecord> {
    const running = this.#requests.get(agreementId);
    if (running !== undefined) return running;
    const started = run(AbortSignal.any([signal, this.#stopping.signal])).finally(() =>
      this.#requests.delete(agreementId),
    );
    this.#requests.set(agreementId, started);
    return started;
  }

  #serve(proposals: ProviderProposals, rejections: Rejections): void {
    const { network, outbox, logger } = this.#components;
    network.handle({
      id: MARKET_PROTOCOL,
      requests: {
        [KINDS.listOffers]: served(this.#discovery.listRequest()),
        [KINDS.sendProposal]: served(proposals.sendRequest()),
        [KINDS.getProposal]: served(proposals.getRequest()),
        [KINDS.rejectProposal]: served(rejections.receiveRequest()),
        [KINDS.proposeAgreement]: served(this.#provider.proposeRequest()),
        [KINDS.getAgreement]: served(this.#provider.getRequest()),
        [KINDS.terminateAgreement]: served(this.#terminations.receiveRequest()),
      },
    });
    // Our own books hold the end already: the answer only takes the message out of the outbox.
    for (const kind of [KINDS.terminateAgreement, KINDS.rejectProposal])
      outbox?.onReply(MARKET_PROTOCOL, kind, async (_tx, message, reply) => {
        logger.debug({ messageId: message.id, peerId: message.peerId, kind, reply }, 'end delivered');
      });
  }

  async #context(role: Role): Promise<NegotiationContext> {
    const { store, clock, slots } = this.#components;
    const where = { index: 'roleState', equals: `${role}:Approved` };
    const activeAgreements = await store.count(agreementBucket, where);
    const context = { now: clock.now(), activeAgreements };
    return slots === undefined ? context : { ...context, free: await slots.free(store) };
  }

  /** A live activity holds its agreement's slots beyond the agreement's end: what is free grows when it has ended. */
  async #refreshWhenActivitiesEnd(signal: AbortSignal): Promise<void> {
    const { store, logger } = this.#components;
    const query = { after: store.events.last(), types: ['activity.ended'] };
    try {
      for await (const { subject } of store.events.follow(query, signal)) {
        logger.debug({ activityId: subject }, 'slots may be free again');
        this.#refreshOffers();
      }
    } catch (err) {
      if (!signal.aborted) logger.error({ err }, 'the ends of activities are followed no more');
    }
  }

  #announceLater(): void {
    if (this.#stopping.signal.aborted) return;
    this.#cancelAnnounceTimer = this.#components.clock.setTimer(() => {
      this.#refreshOffers();
      this.#clearOffers();
      this.#announceLater();
    }, this.#settings.announceIntervalMs);
  }

  #refreshOffers(): void {
    this.#own
      .refresh()
      .catch((err: unknown) => this.#components.logger.error({ err }, 'offers not refreshed'));
  }

  #clearOffers(): void {
    this.#own
      .clear()
      .catch((err: unknown) => this.#components.logger.error({ err }, 'expired offers stay on record'));
  }
}

function offersOf(book: OfferBook, own: OwnOffers): Offers {
  return {
    known: () => book.list().map(({ offer }) => offer),
    get: (offerId) => book.get(offerId)?.offer,
    own: () => own.list(),
    publish: (drafts) => own.publish(drafts),
    withdraw: (names) => own.withdraw(names),
    offerByHand: (hand, draft) => own.offerByHand(hand, draft),
    takeBack: (hand) => own.takeBack(hand),
    byHand: (offerId) => own.byHand(offerId),
    refresh: () => own.refresh(),
    explain: ({ properties, constraints }) =>
      explainOffers(book.list(), { properties, filter: parseFilter(constraints) }),
    onChanged: (listener) => book.onChanged(listener),
  };
}
