import type { AgreementRecord } from '../../../../interface/index.ts';
import type { Platforms } from '../platforms.ts';
import type { AgreementNote } from './records.ts';
import { iso } from '../time.ts';
import { toReply } from './properties.ts';

/** An agreement as clients read it; `note` is absent for one that no client made. */
export function agreementView(
  record: AgreementRecord,
  note: AgreementNote | undefined,
  platforms: Platforms,
): object {
  const { agreement, state, approvedAt, signatures } = record;
  const { demand, offer } = agreement;
  const asked = note?.client ?? {
    properties: toReply(demand.properties, platforms),
    constraints: demand.constraints,
  };
  return {
    agreementId: agreement.agreementId,
    demand: {
      ...asked,
      demandId: demand.demandId,
      requestorId: agreement.requestor.toLowerCase(),
      timestamp: iso(demand.createdAt),
    },
    offer: {
      properties: toReply(offer.properties, platforms),
      constraints: offer.constraints,
      offerId: offer.offerId,
      providerId: agreement.provider.toLowerCase(),
      timestamp: iso(offer.createdAt),
    },
    validTo: iso(note?.validTo ?? agreement.expiresAt),
    state,
    timestamp: iso(agreement.createdAt),
    ...(approvedAt !== undefined && { approvedDate: iso(approvedAt) }),
    ...(note?.appSessionId !== undefined && { appSessionId: note.appSessionId }),
    ...(signatures.requestor !== undefined && { proposedSignature: signatures.requestor }),
    ...(signatures.provider !== undefined && { approvedSignature: signatures.provider }),
  };
}
