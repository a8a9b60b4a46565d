import { PROPERTY, type Offer } from '../../../../interface/index.ts';
import { invalid, notFound } from '../errors.ts';
import { Notifier } from '../hold.ts';
import type { YagnaContext } from '../init.ts';
import type { Platforms } from '../platforms.ts';
import {
  demandBucket,
  demandEventBucket,
  proposalBucket,
  type ClientDemand,
  type DemandEvent,
  type DemandRecord,
  type ProposalRecord,
} from './records.ts';
import { isId } from '../is-id.ts';
import { ourConstraints, requestedResources } from './constraints.ts';
import { withoutManifest } from './manifest.ts';
import { Matcher } from './matcher.ts';
import { fromClient } from './properties.ts';

const HOUR_MS = 3600 * 1000;
/** Lifetime of a demand that names no `golem.srv.comp.expiration`. */
const DEFAULT_LIFETIME_MS = 24 * HOUR_MS;
const MAX_OPEN_DEMANDS = 1024;

type Context = Pick<YagnaContext, 'store' | 'clock' | 'logger' | 'market' | 'newId'>;

/** What a client asks for, in this node's words. */
export function ourDemand(
  client: ClientDemand,
  platforms: Platforms,
): Pick<DemandRecord, 'properties' | 'constraints'> {
  const { properties, constraints } = withoutManifest(client);
  const ours = ourConstraints(constraints, platforms);
  return {
    properties: { ...requestedResources(ours), ...fromClient(properties, platforms) },
    constraints: ours,
  };
}

/** What an open demand holds in memory, until it is closed or its time is over. */
interface Matching {
  readonly matcher: Matcher;
  readonly cancelEnd: () => void;
}

/** The demands of this node's clients, and what each client has still to be told. Survives a restart. */
export class DemandBook {
  readonly changed = new Notifier();
  readonly #context: Context;
  readonly #platforms: Platforms;
  readonly #matching = new Map<string, Matching>();

  constructor(context: Context, platforms: Platforms) {
    this.#context = context;
    this.#platforms = platforms;
  }

  async start(): Promise<void> {
    for (const demand of await this.open()) this.#match(demand);
  }

  stop(): void {
    for (const demandId of [...this.#matching.keys()]) this.#unmatch(demandId);
  }

  async open(): Promise<DemandRecord[]> {
    const found = await this.#context.store.list(demandBucket, { where: { index: 'open', equals: 'yes' } });
    const now = this.#context.clock.now();
    return found.map(({ value }) => value).filter((demand) => demand.expiresAt > now);
  }

  async publish(client: ClientDemand): Promise<DemandRecord> {
    const { store, clock, newId } = this.#context;
    if (this.#matching.size >= MAX_OPEN_DEMANDS)
      throw invalid(`${MAX_OPEN_DEMANDS} demands are open already`);
    const createdAt = clock.now();
    const ours = ourDemand(client, this.#platforms);
    const demand: DemandRecord = {
      demandId: newId(),
      client,
      ...ours,
      createdAt,
      expiresAt: expirationOf(ours.properties[PROPERTY.expiration], createdAt),
    };
    await store.transact(async (tx) => tx.put(demandBucket, demand.demandId, demand));
    this.#match(demand);
    return demand;
  }

  /** @throws YagnaError when it is none of the open ones */
  async get(demandId: string): Promise<DemandRecord> {
    const demand = isId(demandId) ? await this.#context.store.get(demandBucket, demandId) : undefined;
    const isOpen = demand?.closedAt === undefined && (demand?.expiresAt ?? 0) > this.#context.clock.now();
    if (demand === undefined || !isOpen) throw notFound('demand', demandId);
    return demand;
  }

  async close(demandId: string): Promise<void> {
    const { store, clock } = this.#context;
    await this.get(demandId);
    await store.transact(async (tx) => {
      const demand = await tx.get(demandBucket, demandId);
      if (demand !== undefined) tx.put(demandBucket, demandId, { ...demand, closedAt: clock.now() });
      const where = { index: 'demand', equals: demandId };
      for (const { id } of await tx.list(demandEventBucket, { where })) tx.delete(demandEventBucket, id);
    });
    this.#unmatch(demandId);
    this.changed.notify();
  }

  /** Keeps a proposal and tells the client of it. */
  async tell(proposal: ProposalRecord): Promise<void> {
    await this.#context.store.transact(async (tx) => {
      tx.put(proposalBucket, proposal.proposalId, proposal);
      tx.put(demandEventBucket, this.#context.newId(), eventOf(proposal));
    });
    this.changed.notify();
  }

  /** The client's counter-proposal was refused. */
  async tellRejected(proposalId: string, rejection: string): Promise<void> {
    const { store, clock, newId } = this.#context;
    await store.transact(async (tx) => {
      const proposal = await tx.get(proposalBucket, proposalId);
      if (proposal === undefined) return;
      const rejected: ProposalRecord = { ...proposal, state: 'Rejected' };
      tx.put(proposalBucket, proposalId, rejected);
      tx.put(demandEventBucket, newId(), {
        ...eventOf(proposal),
        at: clock.now(),
        rejection: rejection.slice(0, 4096),
      });
    });
    this.changed.notify();
  }

  /** Takes up to `max` events out of the queue. */
  take(demandId: string, max: number): Promise<{ event: DemandEvent; proposal: ProposalRecord }[]> {
    return this.#context.store.transact(async (tx) => {
      const where = { index: 'demand', equals: demandId };
      const taken = [];
      for (const { id, value } of await tx.list(demandEventBucket, { where, limit: max })) {
        // Read, so that two polls at once do not both take it.
        if ((await tx.get(demandEventBucket, id)) === undefined) continue;
        const proposal = await tx.get(proposalBucket, value.proposalId);
        tx.delete(demandEventBucket, id);
        if (proposal !== undefined) taken.push({ event: value, proposal });
      }
      return taken;
    });
  }

  used(demandId: string, offerId: string): void {
    this.#matching.get(demandId)?.matcher.used(offerId);
  }

  failed(demandId: string, offerId: string): void {
    this.#matching.get(demandId)?.matcher.failed(offerId);
  }

  freed(provider: string): void {
    for (const { matcher } of this.#matching.values()) matcher.freed(provider);
  }

  #match(demand: DemandRecord): void {
    const { demandId, expiresAt } = demand;
    const { clock } = this.#context;
    const issue = (offer: Offer): Promise<void> => this.tell(this.#initial(demand, offer));
    const retract = (offerId: string): Promise<void> => this.#retract(demandId, offerId);
    const matcher = new Matcher(demand, { ...this.#context, issue, retract });
    // A client that has died closes nothing.
    const cancelEnd = clock.setTimer(() => this.#unmatch(demandId), expiresAt - clock.now());
    this.#matching.set(demandId, { matcher, cancelEnd });
    matcher.start();
  }

  #unmatch(demandId: string): void {
    const matching = this.#matching.get(demandId);
    matching?.matcher.stop();
    matching?.cancelEnd();
    this.#matching.delete(demandId);
  }

  /** An offer that nobody can use any more is no news. */
  async #retract(demandId: string, offerId: string): Promise<void> {
    await this.#context.store.transact(async (tx) => {
      const where = { index: 'demand', equals: demandId };
      for (const { id, value } of await tx.list(demandEventBucket, { where })) {
        const proposal = await tx.get(proposalBucket, value.proposalId);
        if (proposal?.kind !== 'Initial' || proposal.marketOfferId !== offerId) continue;
        // Read, so that a poll that takes it meanwhile has it.
        if ((await tx.get(demandEventBucket, id)) !== undefined) tx.delete(demandEventBucket, id);
      }
    });
  }

  #initial({ demandId }: DemandRecord, offer: Offer): ProposalRecord {
    const { newId, clock } = this.#context;
    return {
      proposalId: newId(),
      demandId,
      kind: 'Initial',
      state: 'Open',
      offer,
      marketOfferId: offer.offerId,
      createdAt: clock.now(),
      expiresAt: offer.expiresAt,
    };
  }
}

function eventOf({ demandId, proposalId, createdAt }: ProposalRecord): DemandEvent {
  return { demandId, proposalId, at: createdAt };
}

function expirationOf(value: unknown, now: number): number {
  const expiration = typeof value === 'string' ? Number(value) : value;
  if (typeof expiration !== 'number' || !Number.isFinite(expiration)) return now + DEFAULT_LIFETIME_MS;
  if (expiration <= now) throw invalid(`${PROPERTY.expiration} has passed already`);
  return Math.floor(expiration);
}
