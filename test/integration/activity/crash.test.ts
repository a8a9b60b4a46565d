import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reservations, usageSource } from '../../../src/activity/index.ts';
import type { ExeScript, Store } from '../../../src/interface/index.ts';
import type { Fault } from '../../../src/network/index.ts';
import { ActivityWorld, PROVIDER, REQUESTOR } from '../../support/activity-world.ts';
import { Fuse, type FusePlan } from '../../support/fuse.ts';

const PACKAGE = `sha256:${'a'.repeat(64)}`;
const INPUT = `sha256:${'b'.repeat(64)}`;
const FIRST: ExeScript = [
  { deploy: {} },
  { start: {} },
  { run: { entry_point: 'one', args: ['first '], stdin: INPUT } },
];
const SECOND: ExeScript = [
  { transfer: { from: `blob:${INPUT}`, to: 'container:/in' } },
  { run: { entry_point: 'two', args: ['second'] } },
  { transfer: { from: 'container:/out', to: 'blob:' } },
];

interface Plan {
  readonly provider: readonly FusePlan[];
  readonly requestor: readonly FusePlan[];
  /** Faults by the number of the message that they befall. */
  readonly faults: readonly { readonly message: number; readonly fault: Fault }[];
}

/** Drives one activity through its life as a task would, restarting whoever was killed. */
class Drive {
  readonly world = new ActivityWorld();
  readonly #plan: Plan;
  readonly #fuses: { provider?: Fuse | undefined; requestor?: Fuse | undefined } = {};
  readonly #used = { provider: 0, requestor: 0 };

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  async run(): Promise<void> {
    const { world } = this;
    world.requestorBlobs.set(PACKAGE, 10).set(INPUT, 20);
    await world.start();
    await world.agree('agr');
    let messages = 0;
    world.hub.fault(() => {
      messages += 1;
      return this.#plan.faults.find(({ message }) => message === messages)?.fault;
    });
    await this.#restart('provider');
    await this.#restart('requestor');
    const taskPackage = { hash: PACKAGE, sizeBytes: 10 };
    await this.#step(() =>
      world.requestor.create({ activityId: 'act', agreementId: 'agr', package: taskPackage, limits: {} }),
    );
    for (const [batchId, script] of [
      ['b1', FIRST],
      ['b2', SECOND],
    ] as const) {
      await this.#step(() => world.requestor.exec('act', batchId, script));
      await this.#step(() => world.requestor.waitBatch('act', batchId, new AbortController().signal));
    }
    await this.#step(() => world.requestor.destroy('act'));
    await this.#until('the log is whole', async () => {
      return (await world.requestor.readLog('act', 'stdout', 0, 1)).final;
    });
    // Nobody is killed while the outcome is looked at.
    this.#used.provider = this.#used.requestor = Infinity;
    await this.#restart('provider');
    await this.#restart('requestor');
  }

  /** Repeats the call, as its idempotence allows, until it has answered. */
  async #step(call: () => Promise<unknown>): Promise<void> {
    for (let tries = 0; tries < 50; tries += 1) {
      let outcome: 'waiting' | 'done' | 'failed' = 'waiting';
      Promise.resolve()
        .then(call)
        .then(
          () => (outcome = 'done'),
          () => (outcome = 'failed'),
        );
      await this.#until('the call returns', () => outcome !== 'waiting');
      if (outcome === ('done' as string)) return;
    }
    throw new Error('the call never succeeded');
  }

  async #until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    await this.world.until(
      what,
      async () => {
        await this.#revive();
        return Promise.resolve(holds()).catch(() => false);
      },
      3_600_000,
    );
  }

  async #revive(): Promise<void> {
    this.world.hub.connect(PROVIDER.peerId, REQUESTOR.peerId);
    for (const who of ['provider', 'requestor'] as const) {
      while (this.#fuses[who]?.blown === true) await this.#restart(who);
    }
  }

  async #restart(who: 'provider' | 'requestor'): Promise<void> {
    const { world } = this;
    const plan = this.#plan[who][this.#used[who]];
    this.#used[who] += 1;
    const fuse = plan === undefined ? undefined : new Fuse(plan);
    this.#fuses[who] = fuse;
    if (who === 'provider') {
      await world.stopProvider();
      await world.startProvider(fuse).catch(() => undefined);
    } else {
      await world.stopRequestor();
      await world.startRequestor(fuse).catch(() => undefined);
    }
  }
}

async function count(store: Store, type: string): Promise<number> {
  return (await store.events.query({ subject: 'act', types: [type] })).length;
}

async function check({ world }: Drive): Promise<void> {
  const supervisor = world.machine.get('act');
  expect(world.machine.creates).toBe(1);
  expect(supervisor.batchIds).toEqual(['b1', 'b2']);
  expect(supervisor.runs).toEqual(['one', 'two']);
  for (const batchId of ['b1', 'b2']) {
    const batch = await world.requestor.batch('act', batchId);
    expect(batch).toMatchObject({ finished: true });
    expect(batch?.results.map(({ result }) => result)).toEqual(['Ok', 'Ok', 'Ok']);
  }
  for (const store of [world.providerStore, world.requestorStore]) {
    const record = await usageSource.activity(store, 'act');
    expect(record).toMatchObject({ state: 'Completed', stdoutBytes: 12 });
    const samples = await usageSource.samples(store, 'act', 1, 100);
    const taken = supervisor.journal.flatMap((line) => (line.type === 'usage' ? line.sample : []));
    expect(samples).toEqual(taken);
    expect(record?.usage).toEqual(taken.at(-1));
    expect(await count(store, 'activity.created')).toBe(1);
    expect(await count(store, 'activity.ended')).toBe(1);
    expect(await count(store, 'batch.finished')).toBe(2);
    expect(await count(store, 'batch.command-finished')).toBe(6);
    expect(await count(store, 'activity.usage-sampled')).toBe(taken.length);
  }
  const log = await world.requestor.readLog('act', 'stdout', 0, 100);
  expect(Buffer.from(log.bytes).toString()).toBe('first second');
  await world.terminate('agr', 'requestor', { code: 'Done', message: 'done' });
  await world.until('the slots are free', async () => {
    return (await world.providerStore.list(reservations)).length === 0;
  });
}

async function survive(plan: Plan): Promise<void> {
  const drive = new Drive(plan);
  try {
    await drive.run();
    await check(drive);
  } finally {
    await drive.world.stop();
  }
}

describe('activities over crashes', () => {
  it('go their way without any', () => survive({ provider: [], requestor: [], faults: [] }));

  // A life without crashes takes the provider about 400 calls to the outside, the requestor about 110.
  it('survive a kill of the provider at any of its calls', async () => {
    for (let calls = 0; calls < 400; calls += 3) {
      await survive({ provider: [{ calls, after: calls % 2 === 0 }], requestor: [], faults: [] });
    }
  });

  it('survive a kill of the requestor at any of its calls', async () => {
    for (let calls = 0; calls < 110; calls += 1) {
      for (const after of [true, false]) {
        await survive({ provider: [], requestor: [{ calls, after }], faults: [] });
      }
    }
  });

  it('survive repeated kills of both, and a network that loses, repeats and breaks', async () => {
    const fuse = fc.record({ calls: fc.integer({ min: 5, max: 120 }), after: fc.boolean() });
    const fault = fc.constantFrom<Fault>(
      { type: 'drop' },
      { type: 'drop-answer' },
      { type: 'duplicate' },
      { type: 'delay', ms: 700 },
      { type: 'disconnect', when: 'before' },
      { type: 'disconnect', when: 'after' },
    );
    const plan = fc.record({
      provider: fc.array(fuse, { maxLength: 6 }),
      requestor: fc.array(fuse, { maxLength: 6 }),
      faults: fc.array(fc.record({ message: fc.integer({ min: 1, max: 40 }), fault }), { maxLength: 8 }),
    });
    await fc.assert(fc.asyncProperty(plan, survive), { numRuns: 100 });
  });
});
