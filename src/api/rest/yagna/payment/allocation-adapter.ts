import type { Allocation } from '../../../../interface/index.ts';
import { gone, invalid, notFound } from '../errors.ts';
import type { YagnaContext } from '../init.ts';
import { tokensOf, unitsOf } from '../money.ts';
import type { Platforms } from '../platforms.ts';
import { allocationNoteBucket, type AllocationNote } from './records.ts';
import { isId } from '../is-id.ts';
import { iso } from '../time.ts';

/** An allocation that a client asks for; the amount is a decimal number of tokens. */
export interface AllocationRequest {
  readonly totalAmount: string;
  /** The platform, by the client's name for it; the first one of the configuration when absent. */
  readonly platform?: string;
  readonly address?: string;
  readonly timeout?: number;
  readonly makeDeposit: boolean;
}

type Context = Pick<YagnaContext, 'allocations' | 'store' | 'clock' | 'newId' | 'address' | 'books'>;

/** Budgets of clients, in tokens and under the clients' platform names. */
export class AllocationAdapter {
  readonly #context: Context;
  readonly #platforms: Platforms;

  constructor(context: Context, platforms: Platforms) {
    this.#context = context;
    this.#platforms = platforms;
  }

  async create(request: AllocationRequest): Promise<object> {
    const { allocations, store, clock, newId, address } = this.#context;
    const name = request.platform ?? this.#platforms.names()[0] ?? '';
    const driver = this.#platforms.find(name);
    if (driver === undefined)
      throw invalid(`No payment platform ${name} here; there are ${this.#platforms.names().join(', ')}`);
    if (request.address !== undefined && request.address.toLowerCase() !== address.toLowerCase())
      throw invalid(`The account ${request.address} is not this node's; it has ${address.toLowerCase()}`);
    const now = clock.now();
    if (request.timeout !== undefined && request.timeout <= now)
      throw invalid('The timeout has passed already');
    const allocationId = newId();
    const total = unitsOf(request.totalAmount, driver.decimals).toString();
    const allocation = await allocations.create({ allocationId, platform: driver.platform, total });
    const note: AllocationNote = {
      allocationId,
      platform: name,
      timestamp: now,
      ...(request.timeout !== undefined && { timeout: request.timeout }),
      makeDeposit: request.makeDeposit,
    };
    await store.transact(async (tx) => tx.put(allocationNoteBucket, allocationId, note));
    return this.#view(allocation, note);
  }

  async get(allocationId: string): Promise<object> {
    const { allocation, note } = await this.live(allocationId);
    return this.#view(allocation, note);
  }

  /** Another sum, or another end; what is left out stays. */
  async change(allocationId: string, change: { totalAmount?: string; timeout?: number }): Promise<object> {
    const { allocations, store, clock } = this.#context;
    const { allocation, note } = await this.live(allocationId);
    if (change.timeout !== undefined && change.timeout <= clock.now())
      throw invalid('The timeout has passed already');
    const decimals = this.#platforms.decimalsOf(allocation.platform);
    const changed =
      change.totalAmount === undefined
        ? allocation
        : await allocations.resize(allocationId, unitsOf(change.totalAmount, decimals).toString());
    const next = { ...note, ...(change.timeout !== undefined && { timeout: change.timeout }) };
    await store.transact(async (tx) => {
      await tx.get(allocationNoteBucket, allocationId);
      tx.put(allocationNoteBucket, allocationId, next);
    });
    return this.#view(changed, next);
  }

  /** Those that can be spent from. */
  async list(): Promise<object[]> {
    const views: object[] = [];
    for (const { id, value: note } of await this.#context.store.list(allocationNoteBucket)) {
      const isOver = this.#isOver(note);
      if (isOver) await this.#release(id);
      const allocation = isOver ? undefined : await this.#context.allocations.get(id);
      if (allocation?.released === false) views.push(this.#view(allocation, note));
    }
    return views;
  }

  async release(allocationId: string): Promise<void> {
    await this.live(allocationId);
    await this.#release(allocationId);
  }

  /** @throws YagnaError 404, and 410 once it was released or its time is up */
  async live(allocationId: string): Promise<{ allocation: Allocation; note: AllocationNote }> {
    const { allocations, store } = this.#context;
    const allocation = isId(allocationId) ? await allocations.get(allocationId) : undefined;
    if (allocation === undefined) throw notFound('allocation', allocationId);
    const note = (await store.get(allocationNoteBucket, allocationId)) ?? this.#plainNote(allocation);
    if (allocation.released) throw gone(`Allocation ${allocationId} was released`);
    if (!this.#isOver(note)) return { allocation, note };
    await this.#release(allocationId);
    throw gone(`Allocation ${allocationId} has expired`);
  }

  /** What makes a demand be paid out of these allocations. */
  async decorations(allocationIds: readonly string[]): Promise<object> {
    const found = await Promise.all(allocationIds.map((id) => this.live(id)));
    const names = [...new Set(found.map(({ note }) => note.platform))];
    const address = this.#context.address.toLowerCase();
    const terms = names.map((name) => `(golem.com.payment.platform.${name}.address=*)`);
    return {
      properties: [
        ...names.map((name) => ({ key: `golem.com.payment.platform.${name}.address`, value: address })),
        { key: 'golem.com.payment.protocol.version', value: '3' },
      ],
      constraints: [
        ...(terms.length > 1 ? [`(|${terms.join('')})`] : terms),
        '(golem.com.payment.protocol.version>1)',
      ],
    };
  }

  /** Its note goes with it: `list` reads all that there are, and clients make an allocation for each rental. */
  async #release(allocationId: string): Promise<void> {
    const { allocations, store } = this.#context;
    await allocations.release(allocationId);
    await store.transact(async (tx) => tx.delete(allocationNoteBucket, allocationId));
  }

  #isOver({ timeout }: AllocationNote): boolean {
    return timeout !== undefined && timeout <= this.#context.clock.now();
  }

  #plainNote({ allocationId, platform, createdAt }: Allocation): AllocationNote {
    const name = this.#platforms.namesOf(platform)[0] ?? platform;
    return { allocationId, platform: name, timestamp: createdAt, makeDeposit: false };
  }

  #view(allocation: Allocation, note: AllocationNote): object {
    const tokens = (units: string): string =>
      tokensOf(units, this.#platforms.decimalsOf(allocation.platform));
    return {
      allocationId: allocation.allocationId,
      address: this.#context.address.toLowerCase(),
      paymentPlatform: note.platform,
      totalAmount: tokens(allocation.total),
      spentAmount: tokens(allocation.spent),
      remainingAmount: tokens(allocation.remaining),
      timestamp: iso(note.timestamp),
      ...(note.timeout !== undefined && { timeout: iso(note.timeout) }),
      makeDeposit: note.makeDeposit,
    };
  }
}
