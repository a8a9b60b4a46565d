import { ErgonError } from '../interface/errors.ts';
import type { ErrorCatalogue, ErrorDetail } from '../interface/errors.ts';

export type MarketErrorCode =
  | 'ERR_MARKET_CONSTRAINT_SYNTAX'
  | 'ERR_MARKET_NO_OFFER'
  | 'ERR_MARKET_NOBODY_AGREED'
  | 'ERR_MARKET_OFFER_INVALID'
  | 'ERR_MARKET_OFFER_NOT_FOUND'
  | 'ERR_MARKET_PROPOSAL_NOT_FOUND'
  | 'ERR_MARKET_PROPOSAL_INVALID'
  | 'ERR_MARKET_TERMS'
  | 'ERR_MARKET_AGREEMENT_NOT_FOUND'
  | 'ERR_MARKET_AGREEMENT_CONFLICT'
  | 'ERR_MARKET_AGREEMENT_STATE'
  | 'ERR_MARKET_AGREEMENT_INVALID'
  | 'ERR_MARKET_DIGEST'
  | 'ERR_MARKET_SIGNATURE'
  | 'ERR_MARKET_NOT_A_PARTY'
  | 'ERR_MARKET_BUSY';

export class MarketError extends ErgonError<MarketErrorCode> {}

/** A filter that cannot be parsed: where (`column`, from 1) and what could have stood there. */
export class ConstraintError extends MarketError {
  readonly column: number;
  readonly expected: string;

  constructor(message: string, at: { column: number; expected: string }) {
    super('ERR_MARKET_CONSTRAINT_SYNTAX', message, { ...at } satisfies ErrorDetail);
    this.column = at.column;
    this.expected = at.expected;
  }
}

export const marketErrors: ErrorCatalogue<MarketErrorCode> = {
  ERR_MARKET_CONSTRAINT_SYNTAX: {
    meaning:
      'A constraint filter is not well-formed, or exceeds a bound (16,384 characters, 64 levels, 1,024 terms).',
    remedy:
      'Look at `detail.column` and `detail.expected`; write `(` `)` `*` `\\` inside a value as \\28 \\29 \\2a \\5c.',
  },
  ERR_MARKET_NO_OFFER: {
    meaning: 'No known offer matches the demand, in both directions, within the time given.',
    remedy:
      'Read `detail.offers`: for each offer the terms that are not met. Loosen the constraints, or check that providers are connected (`ergon peers`, `ergon offers`).',
  },
  ERR_MARKET_NOBODY_AGREED: {
    meaning: 'Offers match, but each provider that was asked refused or could not be reached.',
    remedy:
      "Read `detail.providers`: each one's reason. Raise the price limit, ask for less, or try again later.",
  },
  ERR_MARKET_OFFER_INVALID: {
    meaning:
      'An offer is malformed, expired, not signed by its provider, or does not belong to the peer it names.',
    remedy:
      'Nothing to do at the receiver: such offers are dropped. The provider should restart with a correct clock and keystore.',
  },
  ERR_MARKET_OFFER_NOT_FOUND: {
    meaning: 'There is no such offer here: never seen, expired or withdrawn.',
    remedy: 'List the known offers (`ergon offers`) and choose a current one.',
  },
  ERR_MARKET_PROPOSAL_NOT_FOUND: {
    meaning: 'There is no such proposal here, or it has expired.',
    remedy: 'Start a new negotiation from a current offer.',
  },
  ERR_MARKET_PROPOSAL_INVALID: {
    meaning:
      'A proposal does not continue the negotiation it claims to: wrong party, wrong predecessor, or too many rounds.',
    remedy: 'Start a new negotiation from a current offer.',
  },
  ERR_MARKET_TERMS: {
    meaning:
      'No terms can be derived from offer and demand: a property is missing or malformed, or more is asked than is offered.',
    remedy: 'Correct the property named in `detail.property`, or ask for no more than the offer carries.',
  },
  ERR_MARKET_AGREEMENT_NOT_FOUND: {
    meaning: 'There is no such agreement in these books.',
    remedy: 'Check the id with `ergon agreement list`.',
  },
  ERR_MARKET_AGREEMENT_CONFLICT: {
    meaning: 'An agreement with this id exists already, with another content.',
    remedy: 'Make a new agreementId for a new agreement.',
  },
  ERR_MARKET_AGREEMENT_STATE: {
    meaning: 'The agreement is in a state that does not allow this.',
    remedy: 'Look at its state and history with `ergon agreement show`.',
  },
  ERR_MARKET_AGREEMENT_INVALID: {
    meaning: 'A proposed agreement contradicts itself or the offer and demand that it is made of.',
    remedy: '`detail.field` names what is wrong; the requestor must derive the terms anew from the offer.',
  },
  ERR_MARKET_DIGEST: {
    meaning: 'The agreement is not the one that was signed: its digest differs from the one recorded.',
    remedy: 'It was altered since; restore the books from a backup, and compare with the other party.',
  },
  ERR_MARKET_SIGNATURE: {
    meaning:
      'A signature is missing, not of the party it should be of, or the document was changed since it was signed.',
    remedy: 'Refuse the document. At rest: restore the books from a backup (`ergon store restore`).',
  },
  ERR_MARKET_NOT_A_PARTY: {
    meaning: 'The sender is not a party of the agreement or proposal that it acts on.',
    remedy: 'Act with the node whose key signed the agreement.',
  },
  ERR_MARKET_BUSY: {
    meaning: 'Too many negotiations or unanswered proposals are open here.',
    remedy: 'Wait for open ones to end or expire (minutes), then try again.',
  },
};
