import { describe, expect, it } from 'vitest';
import type { ExeUnits, JournalRecord } from '../../../src/interface/exe-unit.ts';
import {
  exeUnitsForEach,
  followToEnd,
  followUntil,
  ofType,
  run,
  script,
  specOf,
  wholeLog,
} from '../../support/exe-units.ts';
import { WORKLOAD, WORKLOAD_PACKAGE } from '../../support/workload.ts';

const RUNTIMES = [
  { runtime: 'mock', spec: {}, tick: run('tick', '10') },
  {
    runtime: 'wasi',
    spec: { package: WORKLOAD_PACKAGE },
    tick: run('workload', 'tick', '1000000', '10'),
  },
];

let units: ExeUnits;
exeUnitsForEach((made) => ({ units } = made));

const isState =
  (state: string) =>
  (record: JournalRecord): boolean =>
    record.type === 'state' && record.state === state && record.pending === undefined;

describe.each(RUNTIMES)('suspending a program in $runtime', ({ runtime, spec, tick }) => {
  async function launch(activityId: string): Promise<void> {
    await units.create(specOf(activityId, { runtime, sampleIntervalMs: 50, ...spec }));
    await units.exec(activityId, 'b1', script(tick));
    if ('package' in spec) {
      await followUntil(units, activityId, ({ type }) => type === 'need');
      await units.provide(activityId, WORKLOAD_PACKAGE.hash, { path: WORKLOAD });
    }
    await ticked(activityId, 3);
  }
  const ticks = async (activityId: string) =>
    (await wholeLog(units, activityId, 'stdout')).toString().split('tick').length - 1;
  /** Until it has ticked so many times more. */
  async function ticked(activityId: string, more: number): Promise<void> {
    const wanted = (await ticks(activityId)) + more;
    while ((await ticks(activityId)) < wanted) await units.status(activityId);
  }
  const usage = async (activityId: string) => {
    const records = await followUntil(units, activityId, isState('Suspended'));
    const more: JournalRecord[] = [];
    for await (const record of units.follow(activityId, records.length, AbortSignal.timeout(30_000))) {
      more.push(record);
      if (record.type === 'usage') break;
    }
    return ofType(more, 'usage')[0]!.sample;
  };

  it('stops its ticking and its meter, while its neighbour goes on, and then goes on itself', async () => {
    await launch('still');
    await launch('neighbour');
    await units.suspend('still', 'provider');
    const frozen = await usage('still');
    // What it had written before it was frozen may still be on its way.
    let before = -1;
    for (let rounds = 0; rounds < 10 && before !== (await ticks('still')); rounds += 1) {
      before = await ticks('still');
      await ticked('neighbour', 5);
    }
    await ticked('neighbour', 30);
    expect(await ticks('still')).toBe(before);

    const journal: JournalRecord[] = [];
    const next = new AbortController();
    await units.resume('still', 'provider');
    for await (const record of units.follow('still', 0, next.signal)) {
      journal.push(record);
      if (record.type === 'usage' && record.sample.sequence === frozen.sequence + 1) break;
    }
    await ticked('still', 3);
    const after = ofType(journal, 'usage').at(-1)!.sample;
    const grown = (counter: string): number =>
      Number(BigInt(after.counters[counter]!) - BigInt(frozen.counters[counter]!)) / 1e9;
    // The neighbour's 35 ticks took 0.35 s at least; the sample comes 0.05 s of work after the last one.
    expect(after.at - frozen.at).toBeGreaterThanOrEqual(300);
    expect(grown('golem.usage.duration_sec')).toBeLessThan((after.at - frozen.at) / 1000 - 0.2);
    await units.end('still', 'Terminated');
    await units.end('neighbour', 'Terminated');
  });

  it('ends it while it is frozen, when it is asked to', async () => {
    await launch('still');
    await units.suspend('still', 'requestor');
    await units.end('still', 'Terminated', { code: 'Requestor', message: 'enough' });
    const records = await followToEnd(units, 'still');
    expect(ofType(records, 'state').at(-1)).toMatchObject({ state: 'Terminated' });
  });
});
