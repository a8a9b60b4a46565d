import { describe, expect, it } from 'vitest';
import { lifecycle } from '../../../src/daemon/lifecycle.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

function parts(calls: string[], failing?: string) {
  return ['store', 'network', 'api'].map((name) => ({
    name,
    part: {
      start: async () => {
        calls.push(`+${name}`);
        if (failing === `+${name}`) throw new Error(name);
      },
      stop: async () => {
        calls.push(`-${name}`);
        if (failing === `-${name}`) throw new Error(name);
      },
    },
  }));
}

describe('lifecycle', () => {
  it('starts in order, stops in reverse, and stops once', async () => {
    const calls: string[] = [];
    const all = lifecycle(parts(calls), { logger: silentLogger });
    await all.start();
    await Promise.all([all.stop(), all.stop()]);
    expect(calls).toEqual(['+store', '+network', '+api', '-api', '-network', '-store']);
  });

  it('stops what had started when a start fails, and hands the error on', async () => {
    const calls: string[] = [];
    const all = lifecycle(parts(calls, '+api'), { logger: silentLogger });
    await expect(all.start()).rejects.toThrow('api');
    expect(calls).toEqual(['+store', '+network', '+api', '-network', '-store']);
  });

  it('goes on stopping when one part fails to', async () => {
    const calls: string[] = [];
    const all = lifecycle(parts(calls, '-network'), { logger: silentLogger });
    await all.start();
    await all.stop();
    expect(calls.slice(3)).toEqual(['-api', '-network', '-store']);
  });
});
