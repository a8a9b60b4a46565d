import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from '../../../src/activity/fold.ts';
import type { ActivityUpdate } from '../../../src/activity/updates.ts';
import type { ActivityRecord, Batch, CommandResult } from '../../../src/interface/index.ts';

const RECORD: ActivityRecord = {
  activityId: 'act',
  agreementId: 'agr',
  role: 'provider',
  peerId: 'p'.repeat(52),
  address: `0x${'0'.repeat(40)}`,
  limits: {},
  state: 'New',
  history: [{ state: 'New', at: 1 }],
  stdoutBytes: 0,
  stderrBytes: 0,
  journalSeq: 0,
  createdAt: 1,
};
const BATCH: Batch = {
  batchId: 'b1',
  activityId: 'act',
  script: [{ deploy: {} }, { start: {} }, { terminate: {} }],
  results: [],
  finished: false,
  createdAt: 1,
};
const ok = (index: number): CommandResult => ({ index, result: 'Ok', startedAt: 1, finishedAt: 2 });

describe('folding updates into the books', () => {
  it('sets state and pending, and clears pending again', () => {
    const pending = fold(RECORD, [], { seq: 1, at: 5, type: 'state', state: 'New', pending: 'Deploying' });
    expect(pending.record).toMatchObject({ state: 'New', pending: 'Deploying', journalSeq: 1 });
    expect(pending.record.history).toHaveLength(1);
    const done = fold(pending.record, [], { seq: 2, at: 6, type: 'state', state: 'Deploying' });
    expect(done.record.pending).toBeUndefined();
    expect(done.record.history.at(-1)).toEqual({ state: 'Deploying', at: 6 });
    expect(done.events).toEqual([{ type: 'activity.state-changed', data: { state: 'Deploying' } }]);
  });

  it('knows who holds it back, until an update names nobody', () => {
    const suspended = fold(RECORD, [], {
      seq: 1,
      at: 5,
      type: 'state',
      state: 'Suspended',
      holds: ['requestor', 'node'],
    });
    expect(suspended.record.holds).toEqual(['requestor', 'node']);
    expect(suspended.events[0]!.data).toEqual({ state: 'Suspended', holds: ['requestor', 'node'] });
    const running = fold(suspended.record, [], { seq: 2, at: 6, type: 'state', state: 'Running' });
    expect(running.record).not.toHaveProperty('holds');
  });

  it('refuses captures that no supervisor makes', () => {
    const stdoutCapture = { format: 'string' as const, data: 'x'.repeat(500_000), truncated: false };
    const one = { ...ok(0), stdoutCapture };
    const update: ActivityUpdate = { seq: 1, at: 5, type: 'command-finished', batchId: 'b1', result: one };
    const first = fold(RECORD, [BATCH], update);
    const two = { ...update, seq: 2, result: { ...one, index: 1 } };
    expect(() => fold(first.record, first.batches, two)).toThrow(
      expect.objectContaining({ code: 'ERR_ACTIVITY_UPDATE_INVALID' }),
    );
  });

  it('takes each update once', () => {
    const update: ActivityUpdate = { seq: 3, at: 5, type: 'state', state: 'Deploying' };
    const once = fold(RECORD, [], update);
    expect(fold(once.record, [], update)).toEqual({ record: once.record, batches: [], events: [] });
  });

  it('takes results in order only', () => {
    const first = fold(RECORD, [BATCH], {
      seq: 1,
      at: 5,
      type: 'command-finished',
      batchId: 'b1',
      result: ok(0),
    });
    expect(first.batches[0]?.results).toEqual([ok(0)]);
    for (const index of [1, 2, 3]) {
      expect(() =>
        fold(RECORD, [BATCH], { seq: 1, at: 5, type: 'command-finished', batchId: 'b1', result: ok(index) }),
      ).toThrow(expect.objectContaining({ code: 'ERR_ACTIVITY_UPDATE_INVALID' }));
    }
  });

  it('refuses results of a batch that is not open', () => {
    expect(() => fold(RECORD, [], { seq: 1, at: 5, type: 'batch-finished', batchId: 'b1' })).toThrow(
      expect.objectContaining({ code: 'ERR_ACTIVITY_UPDATE_INVALID' }),
    );
  });

  it('closes what was open when the activity ends, and says why', () => {
    const reason = { code: 'Expired', message: 'over' };
    const half = { ...BATCH, results: [ok(0)] };
    const { batches, record, events } = fold(RECORD, [half], {
      seq: 1,
      at: 9,
      type: 'state',
      state: 'Terminated',
      reason,
    });
    expect(record).toMatchObject({ state: 'Terminated', reason });
    expect(batches[0]).toMatchObject({
      finished: true,
      results: [ok(0), { index: 1, result: 'Error', reason }],
    });
    expect(events.map((event) => event.type)).toEqual([
      'batch.finished',
      'activity.state-changed',
      'activity.ended',
    ]);
  });

  it('lets no batch finish well with results missing', () => {
    const half = { ...BATCH, results: [ok(0)] };
    const { batches } = fold(RECORD, [half], { seq: 1, at: 9, type: 'batch-finished', batchId: 'b1' });
    expect(batches[0]).toMatchObject({ finished: true, results: [ok(0), { index: 1, result: 'Error' }] });
  });

  it('adds nothing to a batch that an error had ended, and counts terminate as done when all went well', () => {
    const failed = { ...BATCH, results: [{ ...ok(0), result: 'Error' as const }] };
    const end: ActivityUpdate = { seq: 1, at: 9, type: 'state', state: 'Terminated' };
    expect(fold(RECORD, [failed], end).batches[0]?.results).toHaveLength(1);
    const last = { ...BATCH, results: [ok(0), ok(1)] };
    const well = fold(RECORD, [last], { seq: 1, at: 9, type: 'state', state: 'Completed' });
    expect(well.batches[0]?.results.at(-1)).toMatchObject({ index: 2, result: 'Ok' });
  });

  it('changes nothing after the end', () => {
    const { record } = fold(RECORD, [], { seq: 1, at: 9, type: 'state', state: 'Terminated' });
    expect(fold(record, [], { seq: 2, at: 10, type: 'state', state: 'Ready' }).record).toBe(record);
  });

  it('bounds the history, and keeps how it began', () => {
    let record = RECORD;
    for (let seq = 1; seq <= 5000; seq += 1) {
      record = fold(record, [], { seq, at: seq, type: 'state', state: seq % 2 ? 'Running' : 'Ready' }).record;
    }
    expect(record.history).toHaveLength(256);
    expect(record.history[0]).toEqual({ state: 'New', at: 1 });
    expect(record.history[15]).toEqual({ state: 'Running', at: 15 });
    expect(record.history[16]).toEqual({ state: 'Running', at: 4761 });
    expect(record.history.at(-1)).toEqual({ state: 'Ready', at: 5000 });
  });

  it('lets no counter fall and no sample be skipped', () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 30n });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), amount, amount)), (samples) => {
        let record = RECORD;
        let [cpu, wall] = [0n, 0n];
        samples.forEach(([sequence, a, b], index) => {
          const counters = { cpu: a.toString(), wall: b.toString() };
          const sample = { sequence, at: 1, counters };
          const fits = sequence === (record.usage?.sequence ?? 0) + 1 && a >= cpu && b >= wall;
          const take = () => fold(record, [], { seq: index + 1, at: 1, type: 'usage', sample });
          if (!fits) {
            expect(take).toThrow(expect.objectContaining({ code: 'ERR_ACTIVITY_UPDATE_INVALID' }));
            return;
          }
          record = take().record;
          [cpu, wall] = [a, b];
          expect(record.usage).toEqual(sample);
        });
      }),
    );
  });
});
