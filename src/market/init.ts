import type { RequestorInit } from './agreements/requestor.ts';
import type { SearchInit } from './agreements/search.ts';
import type { WatcherInit } from './agreements/watcher.ts';
import type { ProviderPolicy, RequestorPolicy } from './negotiation/chains.ts';
import type { ProposalLimits } from './negotiation/provider-proposals.ts';
import type { OfferBookInit } from './offers/offer-book.ts';
import type { OwnOffersInit } from './offers/own-offers.ts';

/** All that the parts of the market can be told. */
export interface MarketSettings
  extends OfferBookInit, OwnOffersInit, ProposalLimits, RequestorInit, SearchInit, WatcherInit {
  /** Own offers are announced again this often. */
  readonly announceIntervalMs: number;
  readonly provider: ProviderPolicy;
  readonly requestor: RequestorPolicy;
}

/** Whatever is left out has a default, also within the two policies. */
export type MarketInit = Partial<Omit<MarketSettings, 'provider' | 'requestor'>> & {
  readonly provider?: Partial<ProviderPolicy>;
  readonly requestor?: Partial<RequestorPolicy>;
};

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY_SEC = 24 * 3600;
const ANYONE = { deny: [], allow: [] };

/** What holds where the configuration has no setting for it, or none was given. */
export const MARKET_DEFAULTS: MarketSettings = {
  maxOffers: 4096,
  maxOffersPerProvider: 32,
  offerLifetimeMs: HOUR,
  announceIntervalMs: 30 * SECOND,
  offerWaitMs: 30 * SECOND,
  askAgainMs: 5 * SECOND,
  proposalLifetimeMs: 5 * MINUTE,
  pendingPollMs: 2 * SECOND,
  maxRounds: 8,
  maxOpenPerPeer: 512,
  answerTimeoutMs: 10 * SECOND,
  approvalTimeoutMs: 30 * SECOND,
  retryMs: SECOND,
  cancelAfterMs: 10 * SECOND,
  sweepIntervalMs: 5 * SECOND,
  expiryGraceMs: MINUTE,
  // No shorter than a provider can be asked to approve: else a repeated proposal might be answered anew.
  rejectedRetentionMs: HOUR,
  clearIntervalMs: MINUTE,
  provider: {
    closed: undefined,
    requestors: ANYONE,
    maxAgreements: 1024,
    expiration: { minMs: SECOND, maxMs: 30 * 24 * HOUR },
    priceFloors: {},
    manual: false,
  },
  requestor: {
    providers: ANYONE,
    maxAgreements: 4096,
    debitNoteIntervalSec: { min: 1, max: DAY_SEC },
    debitNoteAcceptTimeoutSec: { min: 5, max: DAY_SEC },
    paymentTimeoutSec: { min: 0, max: 30 * DAY_SEC },
  },
};

/** Every setting of the market, those left out as they are by default. */
export function withDefaults(init: MarketInit): MarketSettings {
  return {
    ...MARKET_DEFAULTS,
    ...init,
    provider: { ...MARKET_DEFAULTS.provider, ...init.provider },
    requestor: { ...MARKET_DEFAULTS.requestor, ...init.requestor },
  };
}
