import type { Agreement, Offer } from '../../interface/market.ts';
import type { Sender } from '../../interface/network.ts';
import { canonicalJson } from '../../util/canonical-json.ts';
import type { MarketComponents } from '../components.ts';
import { MarketError } from '../errors.ts';
import { CLOCK_SKEW_MS } from '../offers/check-offer.ts';
import type { AgreementProposal } from '../wire.ts';
import { deriveTerms } from './terms.ts';

/** A requestor must know within this time whether it has an agreement. */
const MAX_APPROVAL_MS = 3_600_000;

type Components = Pick<MarketComponents, 'verifier' | 'signer' | 'network' | 'clock'>;

/**
 * What a provider checks of an agreement: who sent and signed it, and that it follows from its own offer. Nothing of it is
 * taken on trust but the demand. Whether the provider wants it is for the negotiators.
 */
export function checkAgreement(
  { agreement, signature }: AgreementProposal,
  sender: Sender,
  ownOffer: Offer | undefined,
  components: Components,
): void {
  checkParties(agreement, sender, components);
  verifyAgreementSignature(agreement, signature, agreement.requestor, components);
  checkOwnOffer(agreement, ownOffer, components);
  checkTimes(agreement, components.clock.now());
  if (canonicalJson(deriveTerms(agreement.offer, agreement.demand)) !== canonicalJson(agreement.terms)) {
    throw invalid(agreement, 'terms', 'the terms are not what offer and demand come to');
  }
}

/** Throws ERR_MARKET_SIGNATURE unless `address` signed this very agreement. */
export function verifyAgreementSignature(
  agreement: Agreement,
  signature: string,
  address: string,
  { verifier }: Pick<MarketComponents, 'verifier'>,
): void {
  try {
    verifier.verify('Agreement', agreement, signature, address);
  } catch (cause) {
    throw signatureError('Agreement', agreement.agreementId, cause);
  }
}

export function signatureError(document: string, agreementId: string, cause: unknown): MarketError {
  const why = cause instanceof Error ? cause.message : 'no signature';
  return new MarketError(
    'ERR_MARKET_SIGNATURE',
    `${document} of agreement ${agreementId}: ${why}`,
    { document, agreementId },
    { cause },
  );
}

function checkParties(
  { agreementId, requestor, provider, demand, offer }: Agreement,
  sender: Sender,
  { signer, network }: Components,
): void {
  const isSenders =
    requestor === sender.address && demand.requestor === sender.address && demand.peerId === sender.peerId;
  const isOurs =
    provider === signer.address && offer.provider === signer.address && offer.peerId === network.peerId;
  if (isSenders && isOurs) return;
  throw new MarketError(
    'ERR_MARKET_NOT_A_PARTY',
    `Agreement ${agreementId} is not between ${sender.address} and this node`,
    {
      agreementId,
      requestor,
      provider,
      sender: sender.address,
    },
  );
}

/** The offer must bear our signature (it may be an older issue of itself), and still be on offer with this content. */
function checkOwnOffer(
  agreement: Agreement,
  ownOffer: Offer | undefined,
  { verifier, signer }: Components,
): void {
  const { offer } = agreement;
  try {
    verifier.verify('Offer', offer, offer.signature, signer.address);
  } catch (cause) {
    throw signatureError('Offer', agreement.agreementId, cause);
  }
  const same =
    ownOffer !== undefined &&
    canonicalJson(ownOffer.properties) === canonicalJson(offer.properties) &&
    ownOffer.constraints === offer.constraints;
  if (same) return;
  throw new MarketError('ERR_MARKET_OFFER_NOT_FOUND', `Offer ${offer.offerId} is not on offer any more`, {
    offerId: offer.offerId,
  });
}

function checkTimes(agreement: Agreement, now: number): void {
  if (agreement.createdAt > now + CLOCK_SKEW_MS)
    throw invalid(agreement, 'createdAt', 'it was made in the future');
  if (agreement.approveBy <= now) throw invalid(agreement, 'approveBy', 'the time to approve it has passed');
  if (agreement.approveBy > now + MAX_APPROVAL_MS)
    throw invalid(agreement, 'approveBy', 'it may not stay open for so long');
  if (agreement.expiresAt <= agreement.approveBy)
    throw invalid(agreement, 'expiresAt', 'it ends before it can be approved');
  if (agreement.offer.expiresAt <= now) throw invalid(agreement, 'offer', 'its offer has expired');
  if (agreement.demand.expiresAt < agreement.expiresAt)
    throw invalid(agreement, 'expiresAt', 'it outlives its demand');
}

function invalid({ agreementId }: Agreement, field: string, why: string): MarketError {
  return new MarketError('ERR_MARKET_AGREEMENT_INVALID', `Agreement ${agreementId}: ${why}`, {
    agreementId,
    field,
  });
}
