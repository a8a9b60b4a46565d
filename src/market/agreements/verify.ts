import { isErgonError } from '../../interface/errors.ts';
import type { AgreementRecord } from '../../interface/market.ts';
import { canonicalJson } from '../../util/canonical-json.ts';
import type { MarketErrorCode } from '../errors.ts';
import { verifyOffer, type OfferChecks } from '../offers/check-offer.ts';
import { signatureError, verifyAgreementSignature } from './check-proposal.ts';
import { partyAddress } from './records.ts';
import { verifyTermination } from './termination.ts';
import { deriveTerms } from './terms.ts';

/** One thing that was checked of an agreement at rest. */
export interface AgreementCheck {
  readonly what: string;
  readonly ok: boolean;
  /** What is wrong. */
  readonly code?: string;
  readonly message?: string;
}

/** Whether a stored agreement holds, check by check. */
export interface AgreementVerification {
  readonly ok: boolean;
  readonly checks: readonly AgreementCheck[];
}

/** Verifies again everything that was signed, and that it is about the same thing. Pure. */
export function verifyAgreement(record: AgreementRecord, components: OfferChecks): AgreementVerification {
  const { agreement, signatures, state, termination } = record;
  const approved = state === 'Approved' || state === 'Terminated';
  const checks = [
    check('parties', () => checkParties(record, components)),
    check(
      'offer signature',
      passing(() => verifyOffer(agreement.offer, components)),
    ),
    check('digest', () => checkDigest(record, components)),
    check('terms', () => checkTerms(record)),
  ];
  for (const role of ['requestor', 'provider'] as const) {
    const signature = signatures[role];
    if (signature === undefined && !approved) continue;
    const verify = (): void => {
      if (signature === undefined)
        throw signatureError('Agreement', agreement.agreementId, new Error(`the ${role} has not signed`));
      verifyAgreementSignature(agreement, signature, partyAddress(record, role), components);
    };
    checks.push(check(`${role}'s signature`, passing(verify)));
  }
  if (termination !== undefined) {
    checks.push(
      check(
        `${termination.by}'s termination`,
        passing(() => verifyTermination(record, termination, components)),
      ),
    );
  } else if (state === 'Terminated') {
    checks.push(
      failed('termination', 'ERR_MARKET_SIGNATURE', 'it is Terminated, but nobody has signed that'),
    );
  }
  return { ok: checks.every(({ ok }) => ok), checks };
}

function checkParties(
  { agreement }: AgreementRecord,
  { addressOfPeerId }: OfferChecks,
): AgreementCheck | undefined {
  const { requestor, provider, offer, demand } = agreement;
  const peer = addressOfPeerId(demand.peerId);
  if (
    requestor === demand.requestor &&
    provider === offer.provider &&
    peer.toLowerCase() === requestor.toLowerCase()
  )
    return undefined;
  return failed('parties', 'ERR_MARKET_NOT_A_PARTY', 'offer and demand are not of the two parties');
}

function checkDigest(
  { agreement, digest }: AgreementRecord,
  { verifier }: OfferChecks,
): AgreementCheck | undefined {
  const actual = verifier.digest('Agreement', agreement);
  return actual === digest
    ? undefined
    : failed('digest', 'ERR_MARKET_DIGEST', `it is ${actual}, recorded was ${digest}`);
}

function checkTerms({ agreement: { offer, demand, terms } }: AgreementRecord): AgreementCheck | undefined {
  if (canonicalJson(deriveTerms(offer, demand)) === canonicalJson(terms)) return undefined;
  return failed('terms', 'ERR_MARKET_AGREEMENT_INVALID', 'the terms are not what offer and demand come to');
}

function check(what: string, run: () => AgreementCheck | undefined): AgreementCheck {
  try {
    return run() ?? { what, ok: true };
  } catch (error) {
    if (!isErgonError(error)) throw error;
    return { what, ok: false, code: error.code, message: error.message };
  }
}

/** Makes a check of a function that throws when something is wrong. */
function passing(verify: () => void): () => undefined {
  return () => {
    verify();
    return undefined;
  };
}

function failed(what: string, code: MarketErrorCode, message: string): AgreementCheck {
  return { what, ok: false, code, message };
}
