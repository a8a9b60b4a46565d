import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderMode, Reason } from '../../../src/interface/index.ts';
import { providerControl, type Control, type Schedule } from '../../../src/provider/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

const ALWAYS: Schedule = { hours: {}, pauseOnBattery: false };

/** A node's market and machine, over a store that outlives its control. */
class World {
  readonly clock = new FakeClock();
  readonly store = memoryStore({ clock: this.clock });
  readonly calls: string[] = [];
  loadAverage = 0;
  onBattery = false;
  working = 0;
  isPaused = false;
  closed: Reason | undefined;
  isOnOffer = false;
  failing = false;
  control!: Control;

  async begin(schedule: Schedule = ALWAYS): Promise<void> {
    this.control = providerControl(
      { schedule, address: '0xnode' },
      {
        store: this.store,
        clock: this.clock,
        logger: silentLogger,
        machine: { loadAverage: () => this.loadAverage, onBattery: async () => this.onBattery },
        activities: {
          setPaused: async (paused) => {
            this.calls.push(paused ? 'hold' : 'let go');
            this.isPaused = paused;
          },
          workingThreads: async () => this.working,
          countByState: async () => ({ Running: 1 }),
        },
        market: {
          setClosed: (reason) => {
            this.calls.push(reason === undefined ? 'open' : 'close');
            this.closed = reason;
          },
          publish: async () => {
            if (this.failing) throw new Error('no engine');
            this.calls.push('publish');
            this.isOnOffer = true;
          },
          renew: async () => {
            this.calls.push('renew');
          },
          withdraw: async () => {
            this.calls.push('withdraw');
            this.isOnOffer = false;
          },
          offers: async () => (this.isOnOffer ? 2 : 0),
          soldOut: async () => false,
          presetNotes: () => [],
          agreements: async () => 3,
        },
      },
    );
    await this.control.prepare();
    await this.control.start();
  }

  get state(): string {
    const { isOnOffer, closed, isPaused } = this;
    return [isOnOffer ? 'offers' : 'none', closed?.code ?? 'takes all', isPaused ? 'held' : 'runs'].join(
      ', ',
    );
  }
}

let world: World;
beforeEach(async () => {
  world = new World();
  await world.store.start();
});
afterEach(async () => {
  await world.control.stop();
  await world.store.stop();
});

const STATES: Record<ProviderMode, string> = {
  run: 'offers, takes all, runs',
  pause: 'none, ProviderPaused, held',
  drain: 'none, ProviderDraining, runs',
};

describe('the mode of a provider', () => {
  it('is run at first, and each mode has its effects from each other one', async () => {
    await world.begin();
    expect(world.state).toBe(STATES.run);
    expect(await world.control.status()).toEqual({
      mode: 'run',
      effective: 'run',
      offers: 2,
      soldOut: false,
      presetNotes: [],
      agreements: 3,
      activities: { Running: 1 },
    });
    const modes = ['run', 'pause', 'drain'] as const;
    for (const from of modes) {
      for (const to of modes) {
        await world.control.setMode(from);
        expect(await world.control.setMode(to)).toMatchObject({ mode: to, effective: to });
        expect(world.state).toBe(STATES[to]);
      }
    }
  });

  it('survives a restart, and holds from before the start', async () => {
    await world.begin();
    await world.control.setMode('pause');
    await world.control.stop();
    world.isPaused = false;
    world.closed = undefined;
    world.calls.length = 0;
    await world.begin();
    expect(world.calls).toEqual(['close', 'hold', 'close', 'hold', 'withdraw']);
    expect(await world.control.status()).toMatchObject({ mode: 'pause', changedAt: world.clock.now() });
  });

  it('says once that it was changed, and does nothing for the same mode again', async () => {
    await world.begin();
    await world.control.setMode('drain');
    world.calls.length = 0;
    await world.control.setMode('drain');
    expect(world.calls).toEqual([]);
    const events = await world.store.events.query({ types: ['provider.mode-changed'] });
    expect(events.map(({ subject, data }) => [subject, data])).toEqual([['0xnode', { mode: 'drain' }]]);
  });

  it('looks while it sells whether the machine can still do what is on offer', async () => {
    await world.begin();
    world.calls.length = 0;
    await world.clock.advance(180_000);
    expect(world.calls).toEqual(['renew', 'renew', 'renew']);
    await world.control.setMode('drain');
    world.calls.length = 0;
    await world.clock.advance(180_000);
    expect(world.calls).toEqual([]);
  });

  it('goes on trying when the offers cannot be made', async () => {
    world.failing = true;
    await world.begin();
    await world.control.setMode('pause');
    await world.control.setMode('run');
    expect(world.isOnOffer).toBe(false);
    world.failing = false;
    await world.clock.advance(60_000);
    expect(world.state).toBe(STATES.run);
  });
});

describe('the schedule of a provider', () => {
  it('pauses it and lets it go on, and says why', async () => {
    await world.begin({ ...ALWAYS, maxLoadAverage: 4 });
    world.loadAverage = 5;
    await world.clock.advance(30_000);
    expect(world.state).toBe(STATES.pause);
    expect(await world.control.status()).toMatchObject({
      mode: 'run',
      effective: 'pause',
      reason: { code: 'HighLoad' },
    });
    world.loadAverage = 1;
    await world.clock.advance(30_000);
    expect(world.state).toBe(STATES.run);
    const events = await world.store.events.query({ types: ['provider.schedule-changed'] });
    expect(events.map(({ data }) => (data as { open: boolean }).open)).toEqual([false, true]);
  });

  it('does not count what the node itself runs', async () => {
    await world.begin({ ...ALWAYS, maxLoadAverage: 1 });
    world.loadAverage = 4.5;
    world.working = 4;
    await world.clock.advance(30_000);
    expect(world.state).toBe(STATES.run);
  });

  it('does not end what the operator asked for', async () => {
    await world.begin({ ...ALWAYS, pauseOnBattery: true });
    world.onBattery = true;
    await world.clock.advance(30_000);
    await world.control.setMode('drain');
    expect(world.state).toBe('none, ProviderPaused, held');
    world.onBattery = false;
    await world.clock.advance(30_000);
    expect(world.state).toBe(STATES.drain);
  });

  it('may be changed while it runs, and the offers are made anew', async () => {
    await world.begin();
    world.calls.length = 0;
    await world.control.refresh(ALWAYS);
    expect(world.calls).toContain('publish');
    await world.control.refresh({ ...ALWAYS, hours: { mon: [] } });
    expect(world.state).toBe(STATES.pause);
    await world.control.refresh(ALWAYS);
    expect(world.state).toBe(STATES.run);
  });
});
