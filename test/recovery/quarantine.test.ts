import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ActivityRecord, StoredEvent } from '../../src/interface/index.ts';
import { MarketPair, type Page } from '../e2e/market-pair.ts';
import { supervisorPids } from '../support/exe-units.ts';

const POISON = fileURLToPath(new URL('./crash-on-poison.ts', import.meta.url));
const BOOTS = 3;

let pair: MarketPair;
beforeAll(async () => {
  pair = await MarketPair.start({
    provider: { provider: { quarantineAfterBoots: BOOTS, warmPool: {}, hardware: { cpuThreads: 2 } } },
  });
});
afterAll(() => pair.stop());

/** With the fault in it. False when it goes down before it answers. */
async function launch(): Promise<boolean> {
  process.env['NODE_OPTIONS'] = `--import=${POISON}`;
  try {
    await pair.provider.launch();
    return true;
  } catch {
    return false;
  } finally {
    delete process.env['NODE_OPTIONS'];
  }
}

async function activityIdOf(taskId: string): Promise<string> {
  return (await pair.task(taskId)).attempts[0]!.activityId;
}

it('quarantines the activity that takes the daemon down each time, and only that one', async () => {
  const guilty = await pair.submit(['tick', '1000', '50', 'poison']);
  const innocent = await pair.submit(['tick', '400', '50', '/sum.txt'], { outputs: ['/sum.txt'] });
  for (const id of [guilty, innocent]) {
    await pair.requestor.until('it runs', async () =>
      (await pair.log(id).catch(() => '')).includes('tick 2') ? true : undefined,
    );
  }
  const [culprit, neighbour] = [await activityIdOf(guilty), await activityIdOf(innocent)];
  const pids = supervisorPids(pair.provider.dataDir).length;
  await pair.provider.kill();

  let crashes = 0;
  const quarantined = async (): Promise<StoredEvent | undefined> => {
    const events = await pair.provider.call<Page<StoredEvent>>('GET', '/v1/events?type=activity.quarantined');
    return events.items[0];
  };
  let event: StoredEvent | undefined;
  for (; event === undefined; crashes += 1) {
    expect(crashes).toBeLessThanOrEqual(BOOTS);
    if (!(await launch())) continue;
    // Up: until it is down again, or has come through.
    while (event === undefined && pair.provider.isUp) event = await quarantined().catch(() => undefined);
    if (event !== undefined) break;
  }
  expect(crashes).toBe(BOOTS);
  expect(event).toMatchObject({ subject: culprit, data: { attempts: BOOTS } });

  const task = await pair.done(guilty);
  expect(task).toMatchObject({ state: 'Failed', reason: { code: 'Quarantined' } });
  const { seller, buyer } = await pair.settledBooks(task);
  for (const { activity, notes, invoices } of [seller, buyer]) {
    expect(activity).toMatchObject({ state: 'Terminated', reason: { code: 'Quarantined' } });
    expect(notes.filter(({ note }) => note.final)).toHaveLength(1);
    expect(invoices).toHaveLength(1);
  }
  expect(seller.invoices[0]!.invoice).toEqual(buyer.invoices[0]!.invoice);
  expect(BigInt(seller.invoices[0]!.invoice.amount)).toBeGreaterThan(0n);
  await expect
    .poll(() => supervisorPids(pair.provider.dataDir).length, { timeout: 20_000 })
    .toBeLessThan(pids);

  // It was taken up last of all, and has lost nothing.
  const other = await pair.provider.call<ActivityRecord>('GET', `/v1/activities/${neighbour}`);
  expect(['Running', 'Ready', 'Completed']).toContain(other.state);
  expect(await pair.done(innocent)).toMatchObject({ state: 'Succeeded', result: { exitCode: 0 } });
  expect(await pair.log(innocent)).toMatch(/^begin first\n(tick \d+\n){400}end\n$/);
}, 300_000);
