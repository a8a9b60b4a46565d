export { forgetUnmade } from './agreements/forget.ts';
export { agreementBucket } from './agreements/records.ts';
export { deriveTerms } from './agreements/terms.ts';
export type { AgreementDraft } from './agreements/requestor.ts';
export { verifyAgreement, type AgreementCheck, type AgreementVerification } from './agreements/verify.ts';
export type { MarketComponents } from './components.ts';
export { ConstraintError, MarketError, marketErrors, type MarketErrorCode } from './errors.ts';
export { MARKET_DEFAULTS, type MarketInit } from './init.ts';
export { match, type MatchResult, type UnmetTerm } from './language/match.ts';
export { parseFilter } from './language/parse.ts';
export { allOf, escapeValue, printFilter } from './language/print.ts';
export type { Market, Offers, Proposals } from './contract.ts';
export { market } from './market.ts';
export { proposalBucket, type ProposalRecord } from './negotiation/proposal-record.ts';
export {
  buildOffer,
  type OfferConditions,
  type OfferDraft,
  type OfferSource,
  type Preset,
} from './offers/build-offer.ts';
export { offerBucket, type OwnOffer } from './offers/bucket.ts';
