import { proposalBucket } from '../../../../market/index.ts';
import type { OfferEvent } from './records.ts';
import type { YagnaServices } from '../services.ts';
import { iso } from '../time.ts';
import { agreementView } from './agreement-view.ts';
import { receivedView, rejectedView } from './proposal-view.ts';

/** What whoever published an offer is told; undefined when there is nothing to be told any more. */
export async function offerEventView(
  { proposalId, rejection, agreementId, at }: OfferEvent,
  { context, platforms, me }: YagnaServices,
): Promise<object | undefined> {
  const eventDate = iso(at);
  if (proposalId !== undefined && rejection !== undefined) return rejectedView(proposalId, rejection, at);
  if (proposalId !== undefined) {
    const record = await context.store.get(proposalBucket, proposalId);
    if (record === undefined) return undefined;
    const proposal = receivedView(record, proposalId, platforms, me);
    return { eventType: 'ProposalEvent', eventDate, proposal };
  }
  const record = agreementId === undefined ? undefined : await context.market.get(agreementId);
  if (record === undefined) return undefined;
  return { eventType: 'AgreementEvent', eventDate, agreement: agreementView(record, undefined, platforms) };
}
