import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalNode } from '../../scripts/local-node.ts';
import { MarketPair, type TaskView } from './market-pair.ts';

const EXPECTED = ['begin first', ...Array.from({ length: 20 }, (_, i) => `tick ${i + 1}`), 'end', ''].join(
  '\n',
);

/** Moments of the chain, each told by what the requestor's books or logs show. */
const MOMENTS: Record<string, (pair: MarketPair, taskId: string) => Promise<boolean>> = {
  'right after submission': async () => true,
  'once a provider was chosen': async (pair, id) => (await pair.task(id)).attempts[0]?.provider !== undefined,
  'once the script was handed over': async (pair, id) => phase(await pair.task(id)) >= 2,
  'at the first output': async (pair, id) => (await pair.log(id).catch(() => '')).includes('begin'),
  'in the middle of the run': async (pair, id) => (await pair.log(id).catch(() => '')).includes('tick 10'),
  'when the last line is out': async (pair, id) => (await pair.log(id).catch(() => '')).includes('end'),
  'once the results are here': async (pair, id) => (await pair.task(id)).state === 'Succeeded',
};

const PHASES = ['Agreeing', 'Creating', 'Running', 'Collecting', 'Closing', 'Settling', 'Done'];
const phase = (task: TaskView): number => PHASES.indexOf(task.attempts[0]?.phase ?? 'Agreeing');

describe.each(['provider', 'requestor'] as const)('kill -9 of the %s’s daemon', (victim) => {
  let pair: MarketPair;
  beforeAll(async () => {
    pair = await MarketPair.start();
  });
  afterAll(() => pair.stop());

  it.each(Object.keys(MOMENTS))('%s: one run, whole output, one final note, one invoice', async (moment) => {
    const node: LocalNode = pair[victim];
    const id = await pair.submit(['tick', '20', '50', '/sum.txt'], { outputs: ['/sum.txt'] });
    await pair.requestor.until(moment, async () => ((await MOMENTS[moment]!(pair, id)) ? true : undefined));
    await node.kill();
    await node.launch();

    const task = await pair.done(id);
    expect(task).toMatchObject({ state: 'Succeeded', result: { exitCode: 0 } });
    expect(task.attempts).toHaveLength(1);
    expect(await pair.log(id)).toBe(EXPECTED);
    const output = await pair.requestor.raw('GET', `/v1/blobs/${task.result!.outputs[0]!.blob}`);
    expect(await output.text()).toBe('20 ticks\n');

    const { seller, buyer } = await pair.settledBooks(task);
    for (const books of [seller, buyer]) {
      expect(books.notes.filter((record) => record.note.final)).toHaveLength(1);
      expect(books.invoices).toHaveLength(1);
      expect(books.activity.state).toBe('Completed');
    }
    expect(buyer.invoices[0]!.invoice).toEqual(seller.invoices[0]!.invoice);
    expect(task.bill.settled).toBe(seller.invoices[0]!.invoice.amount);
  });

  it('leaves no process behind when both daemons have stopped', async () => {
    const { dir } = pair;
    await pair.provider.stop();
    await pair.requestor.stop();
    await pair.provider.until('no process of the activities', async () =>
      (await processesWith(dir)).length === 0 ? true : undefined,
    );
  });
});

/** Command lines of live processes that name the directory. */
async function processesWith(dir: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const lines = await Promise.all(
    pids.map((pid) => readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(dir));
}
