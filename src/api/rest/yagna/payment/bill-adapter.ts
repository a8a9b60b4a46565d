import type { DebitNoteRecord, InvoiceRecord } from '../../../../interface/index.ts';
import { firstIdAt } from '../../../../util/id.ts';
import type { CollectionPage } from '../../../collection.ts';
import { conflict, gone, invalid, notFound } from '../errors.ts';
import type { YagnaContext } from '../init.ts';
import { unitsOf } from '../money.ts';
import type { Platforms } from '../platforms.ts';
import { agreementNoteBucket, type AgreementNote } from '../market/records.ts';
import { isId } from '../is-id.ts';
import type { AllocationAdapter } from './allocation-adapter.ts';
import { debitNoteView, invoiceView } from './bill-view.ts';

/** What a client accepts, and out of which allocation it is paid. */
export interface Acceptance {
  readonly totalAmountAccepted: string;
  readonly allocationId: string;
}

/** How far the time in the id of a bill and the one on it may lie apart: a bill is given both in one go. */
const ID_SKEW_MS = 60_000;
const PAGE = 200;

export type BillKind = 'debitNote' | 'invoice';
type Bill = DebitNoteRecord | InvoiceRecord;

type Context = Pick<YagnaContext, 'books' | 'bills' | 'store' | 'market'>;

/** Debit notes and invoices as clients read and decide them. */
export class BillAdapter {
  readonly #context: Context;
  readonly #platforms: Platforms;
  readonly #allocations: AllocationAdapter;

  constructor(context: Context, platforms: Platforms, allocations: AllocationAdapter) {
    this.#context = context;
    this.#platforms = platforms;
    this.#allocations = allocations;
  }

  async view(kind: BillKind, billId: string): Promise<object> {
    return this.#show(await this.#get(kind, billId));
  }

  /**
   * At most `max` of those made after `afterMs` (ms since the epoch), oldest first. Read as they are asked for: however
   * many there are, only some are held at a time.
   */
  async *list(kind: BillKind, afterMs: number, max: number): AsyncGenerator<object> {
    let left = max;
    for await (const bill of this.#oldestFirst(kind, afterMs)) {
      yield await this.#show(bill);
      left -= 1;
      if (left <= 0) return;
    }
  }

  /** Ids sort by the time in which they were made, so those of about the same time are all that has to be sorted. */
  async *#oldestFirst(kind: BillKind, afterMs: number): AsyncGenerator<Bill> {
    let waiting: Bill[] = [];
    let cursor: string | undefined = firstIdAt(afterMs - ID_SKEW_MS);
    do {
      const query = { limit: PAGE, after: cursor, oldestFirst: true };
      const page: CollectionPage<Bill> = await this.#collection(kind).list(query);
      waiting = [...waiting, ...page.items.filter((bill) => createdAt(bill) > afterMs)].sort(byTime);
      cursor = page.next;
      const soFar = cursor;
      const ready = soFar === undefined ? -1 : waiting.findIndex((bill) => !isBehind(soFar, bill));
      yield* waiting.splice(0, ready < 0 ? waiting.length : ready);
    } while (cursor !== undefined);
  }

  /** Repeating it changes nothing. */
  async accept(
    kind: BillKind,
    billId: string,
    { totalAmountAccepted, allocationId }: Acceptance,
  ): Promise<void> {
    const bill = await this.#get(kind, billId);
    if (bill.role !== 'requestor') throw invalid(`${billId} was issued by this node: it cannot accept it`);
    const { amount, platform } = sumOf(bill);
    if (unitsOf(totalAmountAccepted, this.#platforms.decimalsOf(platform)) !== BigInt(amount))
      throw invalid(`${totalAmountAccepted} is not what ${billId} is about`);
    if (bill.state === 'Accepted' || bill.state === 'Settled') return;
    if (bill.state === 'Rejected') throw invalid(`${billId} was rejected, and that is signed`);
    if (bill.state === 'Cancelled') throw gone(`${billId} was cancelled`);
    await this.#allocations.live(allocationId);
    await this.#context.bills.accept(billId, { allocationId, withNotes: true });
  }

  async reject(kind: BillKind, billId: string, reason: string, message: string): Promise<void> {
    const bill = await this.#get(kind, billId);
    if (bill.state === 'Rejected') return;
    if (bill.state === 'Accepted' || bill.state === 'Settled')
      throw invalid(`${billId} was accepted already`);
    const code = CODES[reason] ?? 'Rejected';
    await this.#context.bills.reject(billId, { code, message: (message || reason).slice(0, 2048) });
  }

  /** Takes a bill of this node back; it is cancelled once the other party has let go of it undecided. */
  async cancel(kind: BillKind, billId: string): Promise<void> {
    const bill = await this.#issued(kind, billId);
    if (bill.state === 'Cancelled') return;
    if (bill.state === 'Accepted' || bill.state === 'Settled')
      throw conflict(`${billId} was accepted already`);
    const reason = { code: 'Cancelled', message: 'Taken back by the provider' };
    await this.#context.bills.cancel(billId, reason);
  }

  /** A bill is on its way from the moment in which it is issued: there is nothing left to do. */
  async sent(kind: BillKind, billId: string): Promise<void> {
    await this.#issued(kind, billId);
  }

  async #issued(kind: BillKind, billId: string): Promise<Bill> {
    const bill = await this.#get(kind, billId);
    if (bill.role === 'provider') return bill;
    throw notFound(`${kind === 'invoice' ? 'invoice' : 'debit note'} of this node`, billId);
  }

  async #get(kind: BillKind, billId: string): Promise<Bill> {
    const bill = isId(billId) ? await this.#collection(kind).get(billId) : undefined;
    if (bill === undefined) throw notFound(kind === 'invoice' ? 'invoice' : 'debit note', billId);
    return bill;
  }

  #collection(kind: BillKind): YagnaContext['books']['invoices'] | YagnaContext['books']['debitNotes'] {
    const { invoices, debitNotes } = this.#context.books;
    return kind === 'invoice' ? invoices : debitNotes;
  }

  async #show(bill: Bill): Promise<object> {
    const { agreementId } = 'note' in bill ? bill.note : bill.invoice;
    const note = await this.#noteOf(agreementId);
    const names = { platforms: this.#platforms, note };
    if ('invoice' in bill) return invoiceView(bill, names);
    const record = await this.#context.market.get(agreementId);
    const counters = record?.agreement.terms.pricing.counters ?? Object.keys(bill.note.usage);
    return debitNoteView(bill, counters, names);
  }

  #noteOf(agreementId: string): Promise<AgreementNote | undefined> {
    return this.#context.store.get(agreementNoteBucket, agreementId);
  }
}

const CODES: Readonly<Record<string, string>> = {
  UNSOLICITED_SERVICE: 'UnsolicitedService',
  BAD_SERVICE: 'BadService',
  INCORRECT_AMOUNT: 'IncorrectAmount',
};

/** Whether bills with later ids than `id` were made after `bill`. */
function isBehind(id: string, bill: Bill): boolean {
  return id >= firstIdAt(createdAt(bill) + ID_SKEW_MS);
}

function byTime(a: Bill, b: Bill): number {
  return createdAt(a) - createdAt(b);
}

function createdAt(bill: Bill): number {
  return 'note' in bill ? bill.note.createdAt : bill.invoice.createdAt;
}

function sumOf(bill: Bill): { amount: string; platform: string } {
  return 'note' in bill
    ? { amount: bill.note.totalAmountDue, platform: bill.note.platform }
    : { amount: bill.invoice.amount, platform: bill.invoice.platform };
}
