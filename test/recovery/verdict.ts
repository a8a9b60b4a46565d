import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { LocalNode } from '../../scripts/local-node.ts';
import type {
  ActivityRecord,
  Batch,
  DebitNoteRecord,
  InvoiceRecord,
  JournalRecord,
} from '../../src/interface/index.ts';
import type { Page } from '../e2e/market-pair.ts';
import type { Held } from './held.ts';
import { SUMMARY, WHOLE_LOG } from './kit.ts';
import type { RecoveryWorld } from './world.ts';

/** What is to become of an activity. */
export type Outcome =
  /** As if nothing had been. */
  | { readonly type: 'whole' }
  /** It has ended with this, wherever it was. */
  | { readonly type: 'ended'; readonly state: 'Completed' | 'Terminated'; readonly reason?: string }
  /** The command has failed with one of these, and the requestor could go on or, as here, end it. */
  | { readonly type: 'command failed'; readonly reasons: readonly string[] };

interface Books {
  readonly activity: ActivityRecord;
  readonly notes: readonly DebitNoteRecord[];
  readonly invoices: readonly InvoiceRecord[];
}

/** Holds what both parties' books, the journal and the output say against what was to become of it. */
export async function judge(world: RecoveryWorld, held: Held, outcome: Outcome): Promise<void> {
  const seller = await settled(world, held.provider, held);
  const buyer = await settled(world, world.requestor, held);
  for (const { activity, notes, invoices } of [seller, buyer]) {
    expect(notes.filter(({ note }) => note.final)).toHaveLength(1);
    expect(invoices).toHaveLength(1);
    rises(notes.map(({ note }) => BigInt(note.totalAmountDue)));
    expect(activity).toMatchObject(expectedEnd(outcome));
  }
  const { activityId, state, reason, usage } = seller.activity;
  expect(buyer.activity).toMatchObject({
    activityId,
    state,
    ...(usage && { usage }),
    ...(reason && { reason }),
  });
  expect(buyer.notes.map(({ note }) => note)).toEqual(seller.notes.map(({ note }) => note));
  expect(buyer.invoices[0]!.invoice).toEqual(seller.invoices[0]!.invoice);
  onceEach(held.records());
  await judgeOutput(held, outcome);
}

/** One of these is to have become of it. */
export async function judgeAny(
  world: RecoveryWorld,
  held: Held,
  outcomes: readonly Outcome[],
): Promise<void> {
  const errors: unknown[] = [];
  for (const outcome of outcomes) {
    try {
      await judge(world, held, outcome);
      return;
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, `${held.step} (${held.activityId}): ${errors.map(String).join('\n')}`);
}

function expectedEnd(outcome: Outcome): object {
  switch (outcome.type) {
    case 'whole':
      return { state: 'Completed' };
    case 'ended':
      return {
        state: outcome.state,
        ...(outcome.reason !== undefined && { reason: { code: outcome.reason } }),
      };
    case 'command failed':
      return { state: 'Terminated', reason: { code: 'Requestor' } };
  }
}

async function judgeOutput(held: Held, outcome: Outcome): Promise<void> {
  const log = await held.wholeLog();
  expect(log).toBe(await held.log(held.provider));
  // Nothing of it twice, and nothing that had been there before is lost.
  expect(WHOLE_LOG.startsWith(log), `${held.step}: ${log}`).toBe(true);
  expect(log.startsWith(held.acknowledged), `${held.step}: ${log}`).toBe(true);
  const batches = await held.batches();
  const results = batches.flatMap(({ results: all }) => all);
  if (outcome.type === 'whole') {
    expect(log).toBe(WHOLE_LOG);
    expect(results.map(({ result }) => result)).not.toContain('Error');
    const { hash, sizeBytes } = results.at(-1)!.blob!;
    expect(sizeBytes).toBe(SUMMARY.length);
    const output = await readFile(join(held.directory, 'outputs', hash.slice('sha256:'.length)), 'utf8');
    expect(output).toBe(SUMMARY);
  }
  if (outcome.type === 'command failed') expect(outcome.reasons).toContain(failureOf(batches)?.reason?.code);
}

const failureOf = (batches: readonly Batch[]) =>
  batches.flatMap(({ results }) => results).find(({ result }) => result === 'Error');

/** Each batch and each command was begun once, and no counter of the usage ever falls. */
function onceEach(records: readonly JournalRecord[]): void {
  expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
  const begun = records.flatMap((record) => {
    if (record.type === 'batch') return [record.batchId];
    return record.type === 'command-started' ? [`${record.batchId}/${record.index}`] : [];
  });
  expect(new Set(begun).size).toBe(begun.length);
  const samples = records.flatMap((record) => (record.type === 'usage' ? [record.sample] : []));
  expect(samples.map(({ sequence }) => sequence)).toEqual(samples.map((_, index) => index + 1));
  for (const counter of Object.keys(samples[0]?.counters ?? {}))
    rises(samples.map(({ counters }) => BigInt(counters[counter]!)));
}

function rises(values: readonly bigint[]): void {
  expect(values).toEqual([...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
}

async function settled(
  world: RecoveryWorld,
  node: LocalNode,
  { agreementId, activityId, step }: Held,
): Promise<Books> {
  const question = async (): Promise<Books | undefined> => {
    const books = await booksOf(node, agreementId, activityId).catch(() => undefined);
    return books?.invoices[0]?.state === 'Settled' ? books : undefined;
  };
  return world.until(`${step}: settled books`, question, node);
}

async function booksOf(node: LocalNode, agreementId: string, activityId: string): Promise<Books> {
  const notes = await node.call<Page<DebitNoteRecord>>(
    'GET',
    `/v1/debit-notes?agreement=${agreementId}&limit=500`,
  );
  const invoices = await node.call<Page<InvoiceRecord>>('GET', `/v1/invoices?agreement=${agreementId}`);
  return {
    activity: await node.call<ActivityRecord>('GET', `/v1/activities/${activityId}`),
    notes: notes.items.toSorted((a, b) => a.note.sequence - b.note.sequence),
    invoices: invoices.items,
  };
}
