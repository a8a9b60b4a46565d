import { describe, expect, it } from 'vitest';
import type { DebitNote } from '../../../src/interface/payment.ts';
import { impossibleUsage } from '../../../src/payment/requestor/bounds.ts';
import { judgeNote, type NoteEvidence } from '../../../src/payment/requestor/note-checks.ts';
import { EMPTY_CHAIN, extend } from '../../../src/payment/samples.ts';
import { testIdentity } from '../../support/identities.ts';
import { agreementRecord, sampleAt } from '../../support/payment-world.ts';

const parties = { provider: testIdentity('provider'), requestor: testIdentity('requestor') };
const { agreement } = agreementRecord('agr', parties, 'requestor', 0);
const sample = sampleAt(1, 10, 5);
const chain = extend(EMPTY_CHAIN, sample);

const note: DebitNote = {
  debitNoteId: 'n1',
  agreementId: 'agr',
  activityId: 'act',
  sequence: 1,
  final: false,
  platform: 'ledger',
  issuer: parties.provider.address,
  recipient: parties.requestor.address,
  usage: sample.counters,
  samples: chain,
  totalAmountDue: String(50 + 10 * 1000 + 5 * 7000),
  createdAt: 10,
  signature: `0x${'0'.repeat(130)}`,
};

const evidence: NoteEvidence = {
  note,
  agreement,
  agreementState: 'Approved',
  billing: {
    activityId: 'act',
    agreementId: 'agr',
    role: 'requestor',
    sequence: 1,
    final: false,
    samples: EMPTY_CHAIN,
    usage: {},
    billed: '0',
    accepted: '0',
    acceptedSequence: 0,
  },
  cited: sample,
  chain,
  elapsedMs: 10_000,
  toleranceMs: 0,
};

const judge = (change: Partial<NoteEvidence>, noteChange: Partial<DebitNote> = {}): string | undefined =>
  judgeNote({ ...evidence, ...change, note: { ...note, ...noteChange } })?.code;
const billing = (change: Partial<NoteEvidence['billing']>): Partial<NoteEvidence> => ({
  billing: { ...evidence.billing, ...change },
});
const cpu = (nanoseconds: bigint): Record<string, string> => ({
  ...sample.counters,
  'golem.usage.cpu_sec': nanoseconds.toString(),
});

describe('judging a debit note', () => {
  it('accepts what the usage costs', () => {
    expect(judge({})).toBeUndefined();
    expect(judge({ agreementState: 'Terminated' })).toBeUndefined();
    expect(judge({ cited: undefined, chain: undefined })).toBeUndefined();
    const cited = { ...sample, at: 60_000 };
    expect(judge({ cited, startedAt: 50_000 })).toBeUndefined();
    expect(judge({ cited, startedAt: 55_000, toleranceMs: 5_000 })).toBeUndefined();
    const pricing = { ...agreement.terms.pricing, deploymentBilled: true };
    const terms = { ...agreement.terms, pricing };
    expect(judge({ cited, startedAt: 59_999, agreement: { ...agreement, terms } })).toBeUndefined();
  });

  it.each<[string, Partial<NoteEvidence>, Partial<DebitNote>]>([
    ['AgreementNotActive', { agreementState: 'Pending' }, {}],
    ['WrongPlatform', {}, { platform: 'erc20' }],
    ['AmountFell', billing({ accepted: '45051' }), {}],
    ['UsageFell', billing({ usage: cpu(5_000_000_001n) }), {}],
    ['UsageFell', billing({ usage: { custom: '1' } }), {}],
    ['SampleMismatch', { cited: sampleAt(1, 9, 5) }, {}],
    ['SampleMismatch', {}, { usage: { ...sample.counters, extra: '1' } }],
    ['SampleMismatch', { cited: undefined, chain: undefined }, { samples: EMPTY_CHAIN }],
    ['SamplesHashMismatch', {}, { samples: { last: 1, hash: EMPTY_CHAIN.hash } }],
    ['UsageImplausible', { elapsedMs: 9_999 }, {}],
    ['UsageImplausible', { cited: undefined, chain: undefined }, { usage: cpu(20_000_000_001n) }],
    ['DeploymentBilled', { cited: { ...sample, at: 60_000 }, startedAt: 50_001 }, {}],
    ['WrongAmount', {}, { totalAmountDue: '45049' }],
    ['WrongAmount', {}, { totalAmountDue: '45051' }],
  ])('rejects as %s', (code, change, noteChange) => {
    expect(judge(change, noteChange)).toBe(code);
  });
});

describe('physical bounds', () => {
  const bounds = {
    elapsedMs: 1_000,
    resources: { cpuThreads: 2, memoryBytes: 0, storageBytes: 0 },
    toleranceMs: 100,
  };
  it('allow for the tolerance, and for each thread', () => {
    expect(impossibleUsage({ 'x.duration_sec': '1100000000' }, bounds)).toBeUndefined();
    expect(impossibleUsage({ 'x.duration_sec': '1100000001' }, bounds)?.detail).toMatchObject({
      counter: 'x.duration_sec',
      limit: '1100000000',
    });
    expect(impossibleUsage({ cpu_sec: '2200000000' }, bounds)).toBeUndefined();
    expect(impossibleUsage({ cpu_sec: '2200000001' }, bounds)).toBeDefined();
    // Half the time was billed, so only half the CPU time is possible.
    const half = { duration_sec: '500000000', cpu_sec: '1200000001' };
    expect(impossibleUsage(half, bounds)).toBeDefined();
    expect(impossibleUsage({ ...half, cpu_sec: '1200000000' }, bounds)).toBeUndefined();
  });

  it('leave other counters alone', () => {
    expect(impossibleUsage({ 'my.custom_cpu_sec': '9'.repeat(30) }, bounds)).toBeUndefined();
  });
});
