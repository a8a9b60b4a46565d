import type { CreditLimits, PaymentDriver } from '../../../interface/payment.ts';
import { unitsOf } from '../../amount.ts';
import type { LedgerComponents } from './context.ts';
import { pay } from './pay.ts';
import { payeeRequests } from './payee.ts';
import { payerReplies, payerRequests } from './payer.ts';

/** The platform's name, its token, and how many decimals that has. */
export const LEDGER_PLATFORM = 'ledger';
export const LEDGER_SYMBOL = 'ERG';
export const LEDGER_DECIMALS = 18;

export interface LedgerInit {
  /** Tokens, as a decimal: the most that we come to owe one counterparty. Without it there is no limit. */
  readonly maxOwed?: string;
  /** Tokens, as a decimal: the most that one counterparty may come to owe us. Without it there is no limit. */
  readonly maxDue?: string;
}

/**
 * The embedded platform: a payment is a promise, signed by the payer, numbered and summed up for each pair of nodes;
 * the payee books it and signs a receipt. Both nodes then hold the same books, each with the other's signature.
 */
export function ledger(init: LedgerInit, components: LedgerComponents): PaymentDriver {
  const context = { ...components, platform: LEDGER_PLATFORM };
  return {
    platform: LEDGER_PLATFORM,
    decimals: LEDGER_DECIMALS,
    symbol: LEDGER_SYMBOL,
    credit: creditLimits(init),
    requests: { ...payeeRequests(context), ...payerRequests(context) },
    replies: payerReplies(context),
    pay: (tx, invoice) => pay(tx, context, invoice),
    // Everything it does follows from a message or a call; nothing runs by itself.
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}

function creditLimits(init: LedgerInit): CreditLimits {
  return {
    ...(init.maxOwed === undefined ? {} : { maxOwed: unitsOf(init.maxOwed, LEDGER_DECIMALS) }),
    ...(init.maxDue === undefined ? {} : { maxDue: unitsOf(init.maxDue, LEDGER_DECIMALS) }),
  };
}
