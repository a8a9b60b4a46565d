import { AgreementRecord, type Role } from '../../interface/market.ts';
import type { Bucket, JsonValue, Transaction } from '../../interface/store.ts';
import { checker } from '../../util/check.ts';
import { MarketError } from '../errors.ts';
import { hasEnded, nextState, type AgreementCommand } from './machine.ts';

/** Agreements of both roles, by agreementId. */
export const agreementBucket: Bucket<AgreementRecord> = {
  name: 'agreements',
  check: checker(AgreementRecord, 'agreement record'),
  indexes: {
    state: (record) => [record.state],
    role: (record) => [record.role],
    /** `provider:Approved` … */
    roleState: (record) => [`${record.role}:${record.state}`],
  },
};

const EVENTS: Readonly<Record<AgreementCommand, string>> = {
  propose: 'agreement.proposed',
  approve: 'agreement.approved',
  reject: 'agreement.rejected',
  cancel: 'agreement.cancelled',
  expire: 'agreement.expired',
  terminate: 'agreement.terminated',
};

/** The other party. */
export function counterparty({ agreement, role }: Pick<AgreementRecord, 'agreement' | 'role'>): {
  peerId: string;
  address: string;
} {
  return role === 'requestor'
    ? { peerId: agreement.offer.peerId, address: agreement.provider }
    : { peerId: agreement.demand.peerId, address: agreement.requestor };
}

/** Which of the two signs as `role`. */
export function partyAddress({ agreement }: Pick<AgreementRecord, 'agreement'>, role: Role): string {
  return role === 'requestor' ? agreement.requestor : agreement.provider;
}

type Changes = Partial<Pick<AgreementRecord, 'signatures' | 'approvedAt' | 'reason' | 'termination'>>;

/** The one setter of an agreement's state: persists and emits in the transaction. Throws when the table says no. */
export function advance(
  tx: Transaction,
  record: AgreementRecord,
  command: AgreementCommand,
  at: number,
  changes: Changes = {},
): AgreementRecord {
  const { agreementId } = record.agreement;
  const state = nextState(record.state, command, agreementId);
  const next: AgreementRecord = {
    ...record,
    ...changes,
    state,
    stateChangedAt: at,
    history: [...(record.history ?? []), { state, at }],
  };
  tx.put(agreementBucket, agreementId, next);
  tx.emit({ type: EVENTS[command], subject: agreementId, data: eventData(next) });
  return next;
}

function eventData(record: AgreementRecord): JsonValue {
  const { termination, role } = record;
  const parties = { role, ...counterparty(record) };
  if (termination !== undefined) return { ...parties, by: termination.by, reason: { ...termination.reason } };
  return record.reason === undefined || !hasEnded(record.state)
    ? parties
    : { ...parties, reason: { ...record.reason } };
}

export function notFound(agreementId: string): MarketError {
  return new MarketError('ERR_MARKET_AGREEMENT_NOT_FOUND', `There is no agreement ${agreementId}`, {
    agreementId,
  });
}
