import type {
  ActivityRecord,
  AgreementRecord,
  DebitNoteRecord,
  InvoiceRecord,
  Offer,
  TaskRecord,
} from '../../../../src/interface/index.ts';

export const PROVIDER = '0x00000000000000000000000000000000000000A1';
export const REQUESTOR = '0x00000000000000000000000000000000000000b2';
export const PEER = '16Uiu2HAm7vK1Dm3jFHfXy8xM1gkYVQpaPA5DMuQGXpnuQCwGHZQz';
export const HASH = `sha256:${'a'.repeat(64)}`;
export const SIGNATURE = `0x${'1'.repeat(130)}`;
export const DIGEST = `0x${'2'.repeat(64)}`;
export const AT = 1_800_000_000_000;

export const offer: Offer = {
  offerId: 'offer-1',
  provider: PROVIDER,
  peerId: PEER,
  multiaddrs: ['/ip4/127.0.0.1/tcp/4001'],
  properties: { 'golem.runtime.name': 'wasi', 'golem.inf.mem.gib': 2 },
  constraints: '',
  createdAt: AT,
  expiresAt: AT + 3600_000,
  signature: SIGNATURE,
};

export function agreementRecord(agreementId: string, over: Partial<AgreementRecord> = {}): AgreementRecord {
  return {
    agreement: {
      agreementId,
      requestor: REQUESTOR,
      provider: PROVIDER,
      offer,
      demand: {
        demandId: 'demand-1',
        requestor: REQUESTOR,
        peerId: PEER,
        properties: {},
        constraints: '',
        createdAt: AT,
        expiresAt: AT + 3600_000,
      },
      terms: {
        runtime: 'wasi',
        resources: { cpuThreads: 1, memoryBytes: 1 << 28, storageBytes: 1 << 28 },
        pricing: {
          model: 'linear',
          platform: 'ledger',
          counters: ['golem.usage.duration_sec', 'golem.usage.cpu_sec'],
          coefficients: ['100000', '200000'],
          startPrice: '1000000',
        },
        debitNoteIntervalMs: 120_000,
        debitNoteAcceptTimeoutMs: 120_000,
        paymentTimeoutMs: 120_000,
        idleTimeoutMs: 120_000,
        maxOutputBytes: 1 << 20,
      },
      createdAt: AT,
      approveBy: AT + 60_000,
      expiresAt: AT + 3600_000,
    },
    role: 'requestor',
    state: 'Approved',
    digest: DIGEST,
    signatures: { requestor: SIGNATURE, provider: SIGNATURE },
    stateChangedAt: AT + 1000,
    approvedAt: AT + 1000,
    ...over,
  };
}

export function activityRecord(activityId: string, over: Partial<ActivityRecord> = {}): ActivityRecord {
  return {
    activityId,
    agreementId: 'agreement-1',
    role: 'requestor',
    peerId: PEER,
    address: PROVIDER,
    limits: {},
    state: 'Running',
    history: [
      { state: 'New', at: AT },
      { state: 'Running', at: AT + 10 },
    ],
    usage: { sequence: 1, at: AT + 20, counters: { 'golem.usage.cpu_sec': '1500000000' } },
    stdoutBytes: 0,
    stderrBytes: 0,
    journalSeq: 3,
    createdAt: AT,
    ...over,
  };
}

export function taskRecord(taskId: string, over: Partial<TaskRecord> = {}): TaskRecord {
  return {
    taskId,
    spec: {
      package: HASH,
      runtime: 'wasi',
      entryPoint: 'main',
      args: [],
      env: {},
      inputs: [],
      outputs: [],
      limits: { cpuThreads: 1, memoryBytes: 1 << 28, storageBytes: 1 << 28, wallTimeMs: 60_000 },
      platform: 'ledger',
      budget: '1000000000000000000',
      constraints: '',
      maxAttempts: 3,
    },
    package: { hash: HASH, sizeBytes: 3 },
    allocationId: 'allocation-1',
    state: 'InProgress',
    progress: { percent: 40, message: 'running' },
    attempts: [attempt(1)],
    createdAt: AT,
    stateChangedAt: AT,
    ...over,
  };
}

export function attempt(number: number, over: Partial<TaskRecord['attempts'][number]> = {}) {
  return {
    number,
    agreementId: `agreement-${number}`,
    activityId: `activity-${number}`,
    batchId: `batch-${number}`,
    provider: PROVIDER,
    phase: 'Running' as const,
    startedAt: AT,
    ...over,
  };
}

export function debitNoteRecord(debitNoteId: string): DebitNoteRecord {
  return {
    note: {
      debitNoteId,
      agreementId: 'agreement-1',
      activityId: 'activity-1',
      sequence: 1,
      final: true,
      platform: 'ledger',
      issuer: PROVIDER,
      recipient: REQUESTOR,
      usage: { 'golem.usage.cpu_sec': '1500000000' },
      samples: { last: 1, hash: DIGEST },
      totalAmountDue: '1300000',
      createdAt: AT,
      signature: SIGNATURE,
    },
    role: 'requestor',
    state: 'Accepted',
    history: [{ state: 'Accepted', at: AT }],
  };
}

export function invoiceRecord(invoiceId: string, over: Partial<InvoiceRecord> = {}): InvoiceRecord {
  return {
    invoice: {
      invoiceId,
      agreementId: 'agreement-1',
      platform: 'ledger',
      issuer: PROVIDER,
      recipient: REQUESTOR,
      activities: [{ activityId: 'activity-1', debitNoteId: 'note-1', amount: '1300000' }],
      amount: '1300000',
      createdAt: AT,
      paymentDueAt: AT + 120_000,
      signature: SIGNATURE,
    },
    role: 'requestor',
    state: 'Settled',
    history: [{ state: 'Settled', at: AT }],
    ...over,
  };
}
