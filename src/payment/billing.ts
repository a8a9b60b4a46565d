import type { Role } from '../interface/market.ts';
import type { Reader, Transaction } from '../interface/store.ts';
import {
  activityBillingBucket,
  agreementBillingBucket,
  type ActivityBilling,
  type AgreementBilling,
} from './buckets.ts';
import { EMPTY_CHAIN } from './samples.ts';

/** Where the bills of an activity stand; an empty record before the first one. */
export async function readActivityBilling(
  reader: Reader,
  activity: { activityId: string; agreementId: string; role: Role },
): Promise<ActivityBilling> {
  const { activityId, agreementId, role } = activity;
  return (
    (await reader.get(activityBillingBucket, activityId)) ?? {
      activityId,
      agreementId,
      role,
      sequence: 0,
      final: false,
      samples: EMPTY_CHAIN,
      usage: {},
      billed: '0',
      accepted: '0',
      acceptedSequence: 0,
    }
  );
}

/** Keeps how far an activity is billed. */
export function writeActivityBilling(tx: Transaction, billing: ActivityBilling): void {
  tx.put(activityBillingBucket, billing.activityId, billing);
}

/** How far an agreement is billed; as at its start when nothing has been kept of it yet. */
export async function readAgreementBilling(
  reader: Reader,
  agreementId: string,
  role: Role,
): Promise<AgreementBilling> {
  return (await reader.get(agreementBillingBucket, agreementId)) ?? { agreementId, role, enforce: false };
}

/** Keeps how far an agreement is billed. */
export function writeAgreementBilling(tx: Transaction, billing: AgreementBilling): void {
  tx.put(agreementBillingBucket, billing.agreementId, billing);
}

/** `accepted` after a decision; an older note that is decided late changes nothing. */
export function accept(
  billing: ActivityBilling,
  note: { debitNoteId: string; sequence: number; totalAmountDue: string },
): { billing: ActivityBilling; added: bigint } {
  if (note.sequence <= billing.acceptedSequence) return { billing, added: 0n };
  const added = BigInt(note.totalAmountDue) - BigInt(billing.accepted);
  return {
    billing: {
      ...billing,
      accepted: note.totalAmountDue,
      acceptedNoteId: note.debitNoteId,
      acceptedSequence: note.sequence,
    },
    added: added > 0n ? added : 0n,
  };
}
