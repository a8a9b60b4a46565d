import { describe, expect, it } from 'vitest';
import type { IdleSupervisor } from '../../../src/exe-unit/client/launcher.ts';
import { WarmPool } from '../../../src/exe-unit/client/warm-pool.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

function fakes(fails = false) {
  const launched: { die: () => void; dismissed: boolean }[] = [];
  const launch = async (runtime: string): Promise<IdleSupervisor> => {
    const exit = Promise.withResolvers<undefined>();
    const state = { die: () => exit.resolve(undefined), dismissed: false };
    launched.push(state);
    if (fails) throw new Error('no memory');
    return {
      runtime,
      exited: exit.promise,
      adopt: async () => undefined,
      dismiss: async () => {
        state.dismissed = true;
        state.die();
      },
    };
  };
  return { launched, launch };
}

const components = { clock: new FakeClock(), logger: silentLogger };

describe('the warm pool', () => {
  it('keeps as many as it was told, and fills up what was taken', async () => {
    const { launched, launch } = fakes();
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) };
    const pool = new WarmPool({ mock: 2 }, { ...components, logger, launch });
    expect(pool.take('mock')).toBeUndefined();
    pool.start();
    await pool.settled();
    expect(launched).toHaveLength(2);
    expect(pool.take('mock')?.runtime).toBe('mock');
    await pool.settled();
    expect(launched).toHaveLength(3);
    expect(pool.take('other')).toBeUndefined();
    await pool.stop();
    expect(launched.map(({ dismissed }) => dismissed)).toEqual([false, true, true]);
    expect(pool.take('mock')).toBeUndefined();
    await pool.settled();
    expect(launched).toHaveLength(3);
    expect(warnings).toEqual([]);
  });

  it('replaces one that died, and hands out none that is dead', async () => {
    const { launched, launch } = fakes();
    const pool = new WarmPool({ mock: 1 }, { ...components, launch });
    pool.start();
    await pool.settled();
    launched[0]!.die();
    await components.clock.settle();
    await pool.settled();
    expect(launched).toHaveLength(2);
    await pool.stop();
    expect(launched[1]!.dismissed).toBe(true);
  });

  it('gives up a runtime that cannot be started, until it is asked for', async () => {
    const { launched, launch } = fakes(true);
    const pool = new WarmPool({ mock: 2 }, { ...components, launch });
    pool.start();
    await pool.settled();
    const attempts = launched.length;
    expect(attempts).toBeLessThanOrEqual(4);
    await components.clock.settle();
    expect(launched).toHaveLength(attempts);
    pool.take('mock');
    await pool.settled();
    expect(launched.length).toBeGreaterThan(attempts);
  });
});
