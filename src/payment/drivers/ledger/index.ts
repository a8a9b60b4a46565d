export { ledger, LEDGER_DECIMALS, LEDGER_PLATFORM, LEDGER_SYMBOL, type LedgerInit } from './ledger.ts';
export type { LedgerComponents } from './context.ts';
