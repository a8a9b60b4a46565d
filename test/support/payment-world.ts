import type { ActivityRecord, UsageSample } from '../../src/interface/activity.ts';
import type { AgreementRecord, Pricing, Terms } from '../../src/interface/market.ts';
import type { AgreementSource, UsageSource } from '../../src/interface/payment.ts';
import type { Bucket, Store } from '../../src/interface/store.ts';
import type { Reason } from '../../src/interface/values.ts';
import type { TestIdentity } from './identities.ts';

const trusted = <T>(value: unknown): T => value as T;

export const agreementsTwin: Bucket<AgreementRecord> = { name: 'agreements-twin', check: trusted };
export const activitiesTwin: Bucket<ActivityRecord> = {
  name: 'activities-twin',
  check: trusted,
  indexes: { agreement: (record) => [record.agreementId] },
};
export const samplesTwin: Bucket<UsageSample> = { name: 'samples-twin', check: trusted };

const sampleKey = (activityId: string, sequence: number): string =>
  `${activityId}.${String(sequence).padStart(10, '0')}`;

export const twinUsage: UsageSource = {
  activity: (reader, id) => reader.get(activitiesTwin, id),
  activitiesOf: async (reader, agreementId) =>
    (await reader.list(activitiesTwin, { where: { index: 'agreement', equals: agreementId } })).map(
      ({ value }) => value,
    ),
  samples: async (reader, activityId, from, to) => {
    const found = await reader.list(samplesTwin, {
      after: sampleKey(activityId, from - 1),
      limit: Math.min(to - from + 1, 5000),
    });
    return found
      .filter(({ id, value }) => id.startsWith(`${activityId}.`) && value.sequence <= to)
      .map(({ value }) => value);
  },
};

export const twinAgreements: AgreementSource = {
  agreement: (reader, id) => reader.get(agreementsTwin, id),
};

export const TEST_PRICING: Pricing = {
  model: 'linear',
  platform: 'ledger',
  counters: ['golem.usage.duration_sec', 'golem.usage.cpu_sec'],
  coefficients: ['1000', '7000'],
  startPrice: '50',
};

export const TEST_TERMS: Terms = {
  runtime: 'mock',
  resources: { cpuThreads: 2, memoryBytes: 1 << 30, storageBytes: 1 << 30 },
  pricing: TEST_PRICING,
  debitNoteIntervalMs: 10_000,
  debitNoteAcceptTimeoutMs: 30_000,
  paymentTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  maxOutputBytes: 1 << 20,
};

export function agreementRecord(
  agreementId: string,
  parties: { provider: TestIdentity; requestor: TestIdentity },
  role: 'provider' | 'requestor',
  at: number,
  terms: Terms = TEST_TERMS,
): AgreementRecord {
  const { provider, requestor } = parties;
  const signature = `0x${'0'.repeat(130)}`;
  const common = { properties: {}, constraints: '', createdAt: at, expiresAt: at + 86_400_000 };
  return {
    agreement: {
      agreementId,
      provider: provider.address,
      requestor: requestor.address,
      offer: {
        offerId: 'offer',
        provider: provider.address,
        peerId: provider.peerId,
        multiaddrs: [],
        signature,
        ...common,
      },
      demand: { demandId: 'demand', requestor: requestor.address, peerId: requestor.peerId, ...common },
      terms,
      createdAt: at,
      approveBy: at + 1000,
      expiresAt: at + 86_400_000,
    },
    role,
    state: 'Approved',
    digest: `0x${'0'.repeat(64)}`,
    signatures: {},
    stateChangedAt: at,
  };
}

export async function addAgreement(store: Store, record: AgreementRecord): Promise<void> {
  await store.transact(async (tx) => tx.put(agreementsTwin, record.agreement.agreementId, record));
}

export async function terminateAgreement(
  store: Store,
  agreementId: string,
  reason?: Reason,
): Promise<AgreementRecord> {
  return store.transact(async (tx) => {
    const record = await tx.get(agreementsTwin, agreementId);
    if (record === undefined) throw new Error(`no agreement ${agreementId}`);
    if (record.state === 'Terminated') return record;
    const next: AgreementRecord = {
      ...record,
      state: 'Terminated',
      ...(reason === undefined ? {} : { reason }),
    };
    tx.put(agreementsTwin, agreementId, next);
    tx.emit({ type: 'agreement.terminated', subject: agreementId, data: { agreementId } });
    return next;
  });
}

export async function addActivity(
  store: Store,
  activity: {
    activityId: string;
    agreementId: string;
    role: 'provider' | 'requestor';
    peer: TestIdentity;
    at: number;
  },
): Promise<void> {
  const { activityId, agreementId, role, peer, at } = activity;
  await store.transact(async (tx) => {
    tx.put(activitiesTwin, activityId, {
      activityId,
      agreementId,
      role,
      peerId: peer.peerId,
      address: peer.address,
      limits: {},
      state: 'Running',
      history: [],
      stdoutBytes: 0,
      stderrBytes: 0,
      journalSeq: 0,
      createdAt: at,
    });
    tx.emit({ type: 'activity.created', subject: activityId, data: { activityId, agreementId, role } });
  });
}

export async function addSample(store: Store, activityId: string, sample: UsageSample): Promise<void> {
  await store.transact(async (tx) => {
    const key = sampleKey(activityId, sample.sequence);
    if ((await tx.get(samplesTwin, key)) !== undefined) return;
    tx.put(samplesTwin, key, sample);
    tx.emit({
      type: 'activity.usage-sampled',
      subject: activityId,
      data: { activityId, sequence: sample.sequence },
    });
  });
}

export async function endActivity(store: Store, activityId: string): Promise<void> {
  await store.transact(async (tx) => {
    const record = await tx.get(activitiesTwin, activityId);
    if (record === undefined || record.state === 'Completed') return;
    const ended: ActivityRecord = { ...record, state: 'Completed' };
    tx.put(activitiesTwin, activityId, ended);
    tx.emit({
      type: 'activity.ended',
      subject: activityId,
      data: { agreementId: record.agreementId, role: record.role, state: 'Completed' },
    });
  });
}

/** A sample after `seconds` of wall time, half of it on the CPU. */
export function sampleAt(sequence: number, seconds: number, at: number): UsageSample {
  return {
    sequence,
    at,
    counters: {
      'golem.usage.duration_sec': (BigInt(seconds) * 1_000_000_000n).toString(),
      'golem.usage.cpu_sec': (BigInt(seconds) * 500_000_000n).toString(),
    },
  };
}
