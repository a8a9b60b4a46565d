import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { forgetActivities } from '../../../src/activity/index.ts';
import {
  activities,
  activityUpdates,
  batches,
  batchKey,
  remotes,
  supervisions,
  updateKey,
  usageSampleKey,
  usageSamples,
} from '../../../src/activity/records.ts';
import type { Role, Store, Transaction } from '../../../src/interface/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { specOf } from '../../support/exe-units.ts';
import { Fuse } from '../../support/fuse.ts';
import { items } from '../../support/store-at.ts';
import { activityRecord, PEER } from '../api/support/samples.ts';

const BEFORE = 1_800_000_000_000;
const OLD = BEFORE - 1;
const YOUNG = BEFORE;

interface Story {
  readonly role: Role;
  readonly endedAt: number | undefined;
  readonly settledAt: number | undefined;
  /** Nothing of it is on its way any more. */
  readonly isDone: boolean;
  readonly samples: number;
}

const when = fc.constantFrom(undefined, OLD, YOUNG);
const story: fc.Arbitrary<Story> = fc.record({
  role: fc.constantFrom('requestor', 'provider'),
  endedAt: when,
  settledAt: when,
  isDone: fc.boolean(),
  samples: fc.constantFrom(1, 3, 70),
});
const OVER: Story = { role: 'requestor', endedAt: OLD, settledAt: OLD, isDone: true, samples: 70 };

const isOver = ({ endedAt, settledAt, isDone }: Story): boolean =>
  endedAt === OLD && settledAt === OLD && isDone;

let logsDir: string;
beforeAll(async () => {
  logsDir = await mkdtemp(join(tmpdir(), 'ergon-forget-'));
});
afterAll(() => rm(logsDir, { recursive: true }));

function write(tx: Transaction, activityId: string, { role, endedAt, isDone, samples }: Story): void {
  const history = [{ state: 'New' as const, at: OLD - 10 }];
  const end =
    endedAt === undefined
      ? { history }
      : { state: 'Completed' as const, history: [...history, { state: 'Completed' as const, at: endedAt }] };
  const agreementId = `of-${activityId}`;
  tx.put(activities, activityId, activityRecord(activityId, { agreementId, role, ...end }));
  for (let sequence = 1; sequence <= samples; sequence += 1) {
    const sample = { sequence, at: OLD, counters: {} };
    tx.put(usageSamples, usageSampleKey(activityId, sequence), { activityId, sample });
  }
  const script = [{ deploy: {} }];
  const batch = { activityId, batchId: 'b1', script, results: [], finished: true, createdAt: OLD };
  tx.put(batches, batchKey(activityId, 'b1'), batch);
  tx.put(items, activityId, { n: 1, state: activityId });
  if (role === 'requestor') {
    const place = { agreementId, peerId: PEER, multiaddrs: [], deadline: OLD, maxOutputBytes: 1 };
    tx.put(remotes, activityId, {
      activityId,
      ...place,
      accepted: true,
      openBatches: [],
      logsComplete: isDone,
    });
    return;
  }
  const update = { type: 'state' as const, seq: 1, at: OLD, state: 'Deploying' as const };
  tx.put(activityUpdates, updateKey(activityId, 1), { activityId, update });
  const idle = { openBatches: [], failed: false, needs: [], pulledBytes: 0 };
  tx.put(supervisions, activityId, { activityId, spec: specOf(activityId), ...idle, disposed: isDone });
}

/** Everything that the books hold, but for activities whose ids `skip` names. */
async function contents(store: Store, skip: readonly string[] = []): Promise<Record<string, unknown[]>> {
  const buckets = [activities, usageSamples, activityUpdates, batches, remotes, supervisions, items];
  const all: Record<string, unknown[]> = {};
  for (const bucket of buckets) {
    const found = await store.list<unknown>({ name: bucket.name, check: (value) => value });
    all[bucket.name] = found.filter(({ id }) => !skip.includes(id.split('/')[0] ?? ''));
  }
  return all;
}

/** Over books in which these activities are; the sweep's store may be another, around the same books. */
async function world(stories: readonly Story[]) {
  const store = memoryStore();
  await store.start();
  const named = stories.map((one, number) => ({ id: `a${number}`, ...one }));
  await store.transact(async (tx) => {
    for (const { id, ...one } of named) write(tx, id, one);
  });
  for (const { id, role } of named)
    if (role === 'requestor') await writeFile(join(logsDir, `${id}.stdout`), 'log');
  const sweep = (through: Store = store) =>
    forgetActivities(
      { logsDir },
      {
        store: through,
        settledAt: async (agreementId) => named.find(({ id }) => agreementId === `of-${id}`)?.settledAt,
        alongside: (activityId, remove) => remove(items, { index: 'state', equals: activityId }),
      },
    )(BEFORE, () => Promise.resolve());
  const over = named.filter(isOver).map(({ id }) => id);
  return { store, sweep, over, named };
}

it('forgets how activities went that have ended and are paid, and touches no other', async () => {
  const property = fc.asyncProperty(fc.array(story, { maxLength: 8 }), async (stories) => {
    const { store, sweep, over, named } = await world(stories);
    const untouched = await contents(store, over);
    expect(await sweep()).toBe(over.length);
    const left = await contents(store);
    const records = left[activities.name]!;
    expect({ ...left, [activities.name]: [] }).toEqual({ ...untouched, [activities.name]: [] });
    expect(records).toHaveLength(named.length);
    const logs = named.filter(({ id, role }) => role === 'requestor' && !over.includes(id));
    expect(await readdir(logsDir)).toEqual(logs.map(({ id }) => `${id}.stdout`).sort());
    expect(await sweep()).toBe(0);
    await rm(logsDir, { recursive: true });
    await mkdir(logsDir);
  });
  await fc.assert(property, { numRuns: 30 });
});

it('may be killed at any of its steps, and does the rest the next time', async () => {
  const stories: Story[] = [
    OVER,
    { ...OVER, role: 'provider' },
    { ...OVER, settledAt: undefined },
    { ...OVER, endedAt: undefined, role: 'provider' },
  ];
  for (let calls = 0, blown = true; blown; calls += 1) {
    for (const after of [false, true]) {
      const { store, sweep, over } = await world(stories);
      const untouched = await contents(store, over);
      const fuse = new Fuse({ calls, after });
      await sweep(fuse.store(store)).catch(() => undefined);
      blown = fuse.blown;
      expect(await contents(store, over)).toEqual(untouched);
      await sweep();
      const left = await contents(store);
      expect({ ...left, [activities.name]: [] }).toEqual({ ...untouched, [activities.name]: [] });
      expect(left[activities.name]).toHaveLength(stories.length);
      await store.stop();
    }
  }
});
