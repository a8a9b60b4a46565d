import type { ActivityRecord, AgreementRecord, Transaction } from '../../interface/index.ts';
import { without } from '../../util/without.ts';
import { emit } from '../books.ts';
import { ActivityError } from '../errors.ts';
import { isFinal } from '../machine.ts';
import {
  activities,
  occupancies,
  supervisions,
  type EndIntent,
  type Occupancy,
  type Supervision,
} from '../records.ts';
import type { ProviderContext } from './context.ts';

type Held = Pick<ProviderContext, 'clock' | 'slots'>;

/** Notes an approved agreement: from now on it is idle until an activity comes. */
export async function openOccupancy(tx: Transaction, held: AgreementRecord, now: number): Promise<Occupancy> {
  const { agreementId, terms, expiresAt } = held.agreement;
  const known = await tx.get(occupancies, agreementId);
  if (known !== undefined) return known;
  const occupancy: Occupancy = {
    agreementId,
    idleSince: held.approvedAt ?? now,
    idleTimeoutMs: terms.idleTimeoutMs,
    expiresAt,
    used: false,
    closing: false,
  };
  tx.put(occupancies, agreementId, occupancy);
  return occupancy;
}

/**
 * Gives the agreement's resources to the activity.
 * @throws ActivityError ERR_ACTIVITY_AGREEMENT_NOT_ACTIVE, ERR_ACTIVITY_AGREEMENT_BUSY
 */
export function occupy(tx: Transaction, occupancy: Occupancy, activityId: string): void {
  const { agreementId } = occupancy;
  if (occupancy.closing || occupancy.closedAt !== undefined)
    throw agreementNotActive(agreementId, 'has ended');
  if (occupancy.activityId !== undefined) {
    throw new ActivityError(
      'ERR_ACTIVITY_AGREEMENT_BUSY',
      `Activity ${occupancy.activityId} is using the resources of agreement ${agreementId}`,
      { agreementId, activityId: occupancy.activityId },
    );
  }
  tx.put(occupancies, agreementId, { ...occupancy, activityId, used: true });
}

/** An ended activity gives the resources back: to the agreement, or to the node when the agreement has ended too. */
export async function vacate(tx: Transaction, record: ActivityRecord, { clock, slots }: Held): Promise<void> {
  const occupancy = await tx.get(occupancies, record.agreementId);
  if (occupancy?.activityId !== record.activityId) return;
  tx.put(occupancies, record.agreementId, { ...without(occupancy, 'activityId'), idleSince: clock.now() });
  if (occupancy.closedAt !== undefined) await slots.releaseEnded(tx, record.agreementId);
}

/** The agreement is over: its live activity must end, and the slots are free once it has. */
export async function closeOccupancy(
  tx: Transaction,
  agreementId: string,
  end: EndIntent,
  { clock, slots }: Held,
): Promise<void> {
  const occupancy = await tx.get(occupancies, agreementId);
  if (occupancy === undefined || occupancy.closedAt !== undefined) return;
  tx.put(occupancies, agreementId, { ...occupancy, closedAt: clock.now() });
  if (occupancy.activityId === undefined) {
    await slots.releaseEnded(tx, agreementId);
    return;
  }
  const record = await tx.get(activities, occupancy.activityId);
  const supervision = await tx.get(supervisions, occupancy.activityId);
  if (record !== undefined && supervision !== undefined) requestEnd(tx, record, supervision, end);
}

/** Notes that the activity is to end; the first wish counts. */
export function requestEnd(
  tx: Transaction,
  record: ActivityRecord,
  supervision: Supervision,
  end: EndIntent,
): void {
  if (isFinal(record.state) || supervision.end !== undefined) return;
  tx.put(supervisions, record.activityId, { ...supervision, end });
  emit(tx, record, 'activity.end-requested', end);
}

/** ERR_ACTIVITY_AGREEMENT_NOT_ACTIVE; `why` goes on from "Agreement <id>". */
export function agreementNotActive(agreementId: string, why: string): ActivityError {
  return new ActivityError('ERR_ACTIVITY_AGREEMENT_NOT_ACTIVE', `Agreement ${agreementId} ${why}`, {
    agreementId,
  });
}
