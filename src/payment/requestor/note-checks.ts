import type { UsageSample } from '../../interface/activity.ts';
import { COUNTER } from '../../interface/usage-counters.ts';
import type { Agreement, AgreementState } from '../../interface/market.ts';
import type { DebitNote } from '../../interface/payment.ts';
import type { Reason } from '../../interface/values.ts';
import type { ActivityBilling } from '../buckets.ts';
import { cost, type Usage } from '../pricing.ts';
import type { SampleChain } from '../samples.ts';
import { impossibleUsage } from './bounds.ts';

/** All that a note is held against. */
export interface NoteEvidence {
  readonly note: DebitNote;
  readonly agreement: Agreement;
  readonly agreementState: AgreementState;
  /** What was accepted of this activity before. */
  readonly billing: ActivityBilling;
  /** The sample that the note cites, when it is known here. */
  readonly cited: UsageSample | undefined;
  /** The chain over our own samples up to the cited one, when all of them are known here. */
  readonly chain: SampleChain | undefined;
  readonly elapsedMs: number;
  /** When what was deployed was started, by the clock of the samples; absent when that is not known here. */
  readonly startedAt?: number | undefined;
  readonly toleranceMs: number;
}

type Check = (evidence: NoteEvidence) => Reason | undefined;

/** In the order in which a person would want to know. */
const CHECKS: readonly Check[] = [
  agreementLives,
  platformFits,
  neverFalls,
  sampleFits,
  chainFits,
  ({ note, agreement, elapsedMs, toleranceMs }) =>
    impossibleUsage(note.usage, { elapsedMs, toleranceMs, resources: agreement.terms.resources }),
  deploymentIsFree,
  amountFits,
];

/** Why the note is not acceptable, or undefined. Money to pay it with is looked at elsewhere. */
export function judgeNote(evidence: NoteEvidence): Reason | undefined {
  for (const check of CHECKS) {
    const reason = check(evidence);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function agreementLives({ agreementState, note }: NoteEvidence): Reason | undefined {
  if (agreementState === 'Approved' || agreementState === 'Terminated') return undefined;
  return reason('AgreementNotActive', `Agreement ${note.agreementId} is ${agreementState}`, {
    state: agreementState,
  });
}

function platformFits({ note, agreement }: NoteEvidence): Reason | undefined {
  const expected = agreement.terms.pricing.platform;
  if (note.platform === expected) return undefined;
  return reason('WrongPlatform', `The agreement is paid on ${expected}, not on ${note.platform}`, {
    expected,
    billed: note.platform,
  });
}

function neverFalls({ note, billing }: NoteEvidence): Reason | undefined {
  if (BigInt(note.totalAmountDue) < BigInt(billing.accepted))
    return reason(
      'AmountFell',
      `The sum fell from ${billing.accepted} to ${note.totalAmountDue}; notes are cumulative`,
      { accepted: billing.accepted, billed: note.totalAmountDue },
    );
  for (const [counter, before] of Object.entries(billing.usage)) {
    const now = valueOf(note.usage, counter);
    if (now < BigInt(before))
      return reason('UsageFell', `${counter} fell from ${before} to ${now}`, {
        counter,
        accepted: before,
        billed: `${now}`,
      });
  }
  return undefined;
}

function sampleFits({ note, cited }: NoteEvidence): Reason | undefined {
  if (note.samples.last === 0 && Object.values(note.usage).some((value) => value !== '0'))
    return reason('SampleMismatch', 'The note bills usage but cites no sample', {});
  if (cited === undefined) return undefined;
  const counters = new Set([...Object.keys(cited.counters), ...Object.keys(note.usage)]);
  for (const counter of counters) {
    const reported = valueOf(cited.counters, counter);
    const billed = valueOf(note.usage, counter);
    if (reported !== billed)
      return reason(
        'SampleMismatch',
        `Sample ${note.samples.last} reported ${reported} of ${counter}, the note bills ${billed}`,
        { sequence: note.samples.last, counter, reported: `${reported}`, billed: `${billed}` },
      );
  }
  return undefined;
}

function chainFits({ note, chain }: NoteEvidence): Reason | undefined {
  if (chain === undefined || chain.hash === note.samples.hash) return undefined;
  return reason(
    'SamplesHashMismatch',
    `The samples 1 to ${note.samples.last} that were reported are not those that are billed`,
    { expected: chain.hash, billed: note.samples.hash },
  );
}

/** Time billed before the start, where the agreement does not say that the deployment is billed. */
function deploymentIsFree({
  note,
  agreement,
  cited,
  startedAt,
  toleranceMs,
}: NoteEvidence): Reason | undefined {
  if (agreement.terms.pricing.deploymentBilled === true || cited === undefined) return undefined;
  if (startedAt === undefined) return undefined;
  const sinceStartMs = Math.max(0, cited.at - startedAt) + toleranceMs;
  const billedMs = Number(valueOf(note.usage, COUNTER.duration) / 1_000_000n);
  if (billedMs <= sinceStartMs) return undefined;
  return reason(
    'DeploymentBilled',
    `${billedMs} ms are billed at most ${sinceStartMs} ms after the start; the agreement bills no deployment`,
    { billedMs, sinceStartMs },
  );
}

function amountFits({ note, agreement }: NoteEvidence): Reason | undefined {
  const expected = cost(agreement.terms.pricing, note.usage);
  if (BigInt(note.totalAmountDue) === expected) return undefined;
  return reason(
    'WrongAmount',
    `The usage costs ${expected} by the agreement's price, the note bills ${note.totalAmountDue}`,
    { expected: `${expected}`, billed: note.totalAmountDue },
  );
}

function valueOf(usage: Usage, counter: string): bigint {
  return BigInt((Object.hasOwn(usage, counter) ? usage[counter] : undefined) ?? '0');
}

function reason(code: string, message: string, detail: Record<string, string | number>): Reason {
  return { code, message: message.slice(0, 2048), detail };
}
