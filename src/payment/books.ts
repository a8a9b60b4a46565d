import type { Role } from '../interface/market.ts';
import type { Reader, Transaction } from '../interface/store.ts';
import { booksBucket, type Book } from './buckets.ts';

/** Which account. */
export interface BookKey {
  /** This node's role: a requestor's book says what it owes, a provider's what is due to it. */
  readonly role: Role;
  readonly platform: string;
  readonly counterparty: string;
}

/** What is added to an account, in the smallest unit of the platform. */
export interface BookChange {
  readonly billed?: bigint;
  readonly accepted?: bigint;
  readonly settled?: bigint;
}

function idOf(key: BookKey): string {
  return `${key.platform}.${key.role}.${key.counterparty.toLowerCase()}`;
}

async function readBook(reader: Reader, key: BookKey): Promise<Book> {
  return (await reader.get(booksBucket, idOf(key))) ?? { ...key, billed: '0', accepted: '0', settled: '0' };
}

/** Adds to the sums of a book. */
export async function enter(tx: Transaction, key: BookKey, change: BookChange): Promise<void> {
  const book = await readBook(tx, key);
  tx.put(booksBucket, idOf(key), {
    ...book,
    billed: (BigInt(book.billed) + (change.billed ?? 0n)).toString(),
    accepted: (BigInt(book.accepted) + (change.accepted ?? 0n)).toString(),
    settled: (BigInt(book.settled) + (change.settled ?? 0n)).toString(),
  });
}

/**
 * What the payer of `key` owes the payee on balance: bills accepted, paid or not, less what the payee has settled
 * in the other direction. A ledger's payment is a signed promise, so it does not lower a debt.
 */
export async function netDebt(reader: Reader, key: BookKey): Promise<bigint> {
  const mine = await readBook(reader, key);
  const opposite: Role = key.role === 'requestor' ? 'provider' : 'requestor';
  const theirs = await readBook(reader, { ...key, role: opposite });
  const owed = key.role === 'requestor' ? BigInt(mine.accepted) : BigInt(mine.billed);
  return owed - BigInt(theirs.settled);
}
