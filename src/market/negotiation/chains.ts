import type { Reason } from '../../interface/values.ts';
import { closed } from './closed.ts';
import { demandValidation } from './demand-validation.ts';
import { expirationLimits, type ExpirationLimits } from './expiration.ts';
import { manual } from './manual.ts';
import { matching } from './matching.ts';
import { maxAgreements } from './max-agreements.ts';
import { NEGOTIABLES } from './negotiable.ts';
import { demandSeconds, offerSeconds, type SecondsBounds } from './negotiable-seconds.ts';
import type { Negotiator } from './negotiator.ts';
import { partyLists, type PartyLists } from './party-lists.ts';
import { minPrice, type PriceFloor } from './price.ts';
import { resourcesFit } from './resources-fit.ts';

/** What a provider agrees to. */
export interface ProviderPolicy {
  /** Why no new agreement is made at all; undefined when they are. */
  readonly closed: Reason | undefined;
  readonly requestors: PartyLists;
  readonly maxAgreements: number;
  readonly expiration: ExpirationLimits;
  /** By payment platform. */
  readonly priceFloors: Readonly<Record<string, PriceFloor>>;
  /** A person or a REST client has the last word on each proposal. */
  readonly manual: boolean;
}

/** What a requestor agrees to. */
export interface RequestorPolicy {
  readonly providers: PartyLists;
  readonly maxAgreements: number;
  readonly debitNoteIntervalSec: SecondsBounds;
  readonly debitNoteAcceptTimeoutSec: SecondsBounds;
  readonly paymentTimeoutSec: SecondsBounds;
}

/** The negotiators of a provider, in the order in which they are asked. */
export function providerChain(policy: ProviderPolicy): Negotiator[] {
  return [
    closed(policy.closed),
    partyLists(policy.requestors, 'requestor'),
    matching,
    demandValidation,
    maxAgreements(policy.maxAgreements),
    expirationLimits(policy.expiration),
    offerSeconds(NEGOTIABLES.debitNoteInterval),
    offerSeconds(NEGOTIABLES.debitNoteAcceptTimeout),
    offerSeconds(NEGOTIABLES.paymentTimeout),
    minPrice(policy.priceFloors),
    resourcesFit,
    ...(policy.manual ? [manual] : []),
  ];
}

/** The negotiators of a requestor, in the order in which they are asked. */
export function requestorChain(policy: RequestorPolicy): Negotiator[] {
  return [
    partyLists(policy.providers, 'provider'),
    matching,
    demandValidation,
    maxAgreements(policy.maxAgreements),
    demandSeconds(NEGOTIABLES.debitNoteInterval, policy.debitNoteIntervalSec),
    demandSeconds(NEGOTIABLES.debitNoteAcceptTimeout, policy.debitNoteAcceptTimeoutSec),
    demandSeconds(NEGOTIABLES.paymentTimeout, policy.paymentTimeoutSec),
  ];
}
