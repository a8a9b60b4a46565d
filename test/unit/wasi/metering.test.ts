import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { DeploySpec } from '../../../src/interface/exe-unit-runtime.ts';
import { FUEL_COUNTER } from '../../../src/interface/usage-counters.ts';
import { moduleOf, P1 } from './modules.ts';
import { BEHAVE, WasiActivity } from './wasi-activity.ts';

const NANO = 1_000_000_000n;
const activities: WasiActivity[] = [];
afterEach(async () => {
  for (const activity of activities.splice(0)) await activity.end();
});

function deployed(program: string | Uint8Array, more: Partial<DeploySpec>): Promise<WasiActivity> {
  const activity = new WasiActivity();
  activities.push(activity);
  return activity.deploy(program, more);
}
async function fuelOf({ runtime, handle }: WasiActivity): Promise<bigint | undefined> {
  const nano = (await runtime.stats(handle)).counters[FUEL_COUNTER];
  return nano === undefined ? undefined : nano / NANO;
}
/** What the scheduler has run each thread of the program's process for. */
function kernelCpuNs({ runnerPid }: WasiActivity): bigint {
  return readdirSync(`/proc/${runnerPid}/task`)
    .map((thread) => readFileSync(`/proc/${runnerPid}/task/${thread}/schedstat`, 'utf8').split(' ')[0] ?? '0')
    .reduce((sum, ns) => sum + BigInt(ns), 0n);
}
const priced = { counters: ['golem.usage.cpu_sec', FUEL_COUNTER] };

describe('the fuel of an activity', () => {
  it('is counted only where it has a price or a limit', async () => {
    const plain = await deployed(BEHAVE, { counters: ['golem.usage.cpu_sec'] });
    await plain.run('exit', '0');
    expect((await plain.runtime.stats(plain.handle)).counters).toEqual({});
  });

  it('is the sum of its runs, and the same for the same runs', async () => {
    const sums: unknown[] = [];
    for (let repeat = 0; repeat < 2; repeat++) {
      const activity = await deployed(BEHAVE, priced);
      const after: unknown[] = [await fuelOf(activity)];
      for (const args of [
        ['exit', '42'],
        ['args', 'a b'],
        ['exit', '42'],
      ]) {
        await activity.run(...args);
        after.push(await fuelOf(activity));
      }
      sums.push(after);
    }
    // Wasmtime 50 counts as many for the same module and arguments, but for its name: that is `program` here.
    expect(sums[0]).toEqual(sums[1]);
    const [none, first = 0n, , third = 0n] = sums[0] as bigint[];
    expect(none).toBe(0n);
    expect(third).toBeGreaterThan(2n * first);
  });

  it('is known while the program runs, and what was used by one that is killed stays', async () => {
    const activity = await deployed(BEHAVE, priced);
    const running = await activity.launch(['spin']);
    await expect.poll(() => fuelOf(activity), { timeout: 30_000 }).toBeGreaterThan(10_000_000n);
    await running.signal('SIGKILL');
    expect(await running.exit).toEqual({ kind: 'signaled', signal: 'SIGKILL' });
    const after = (await fuelOf(activity)) ?? 0n;
    expect(after).toBeGreaterThan(10_000_000n);
    await activity.run('exit', '0');
    expect(await fuelOf(activity)).toBeGreaterThan(after);
  });

  it('that is used up ends the run, and leaves nothing for another', async () => {
    const activity = await deployed(BEHAVE, { fuelLimit: 1_000_000 });
    expect((await activity.run('exit', '0')).exit).toEqual({ kind: 'exited', code: 0 });
    const { exit } = await activity.run('spin');
    expect(exit).toMatchObject({ kind: 'limit', limit: 'fuel', limitValue: 1_000_000 });
    expect(exit.kind === 'limit' && BigInt(exit.observed)).toBe(await fuelOf(activity));
    expect(await fuelOf(activity)).toBeLessThan(1_000_100n);
    expect((await activity.run('exit', '0')).exit).toMatchObject({ kind: 'limit', limit: 'fuel' });
  });

  it('cannot be reached by a module that was never valid', async () => {
    // Its own globals are none: number 0 would be what counts the fuel.
    const forging = moduleOf({ start: [0x42, 0, 0x24, 0] });
    await expect(deployed(forging, priced)).rejects.toMatchObject({ code: 'ERR_RUNTIME_PACKAGE' });
  });
});

describe('a program that asks for its end', () => {
  it.each([
    ['by proc_exit', 'proc_exit', [1, 0x7f, 0], { kind: 'exited', code: 5 }],
    ['by a signal', 'proc_raise', [1, 0x7f, 1, 0x7f], { kind: 'signaled', signal: 'SIGTRAP' }],
  ])('%s gets it, also where it catches all that is thrown', async (_, call, type, end) => {
    const DROP = call === 'proc_raise' ? [0x1a] : [];
    const FOREVER = [0x03, 0x40, 0x0c, 0, 0x0b];
    const source = moduleOf({
      types: [type],
      imports: [[P1, call, 0, 1]],
      // Caught, it would go on without end.
      start: [0x06, 0x40, 0x41, 5, 0x10, 0, ...DROP, 0x19, ...FOREVER, 0x0b],
    });
    const activity = await deployed(source, { fuelLimit: 1_000_000 });
    expect((await activity.run()).exit).toEqual(end);
  });
});

describe('a program with a start function', () => {
  it('can call the host from it', async () => {
    const randomGet = [2, 0x7f, 0x7f, 1, 0x7f];
    const source = moduleOf({
      types: [randomGet],
      imports: [[P1, 'random_get', 0, 1]],
      // Traps unless the call succeeds.
      start: [0x41, 0, 0x41, 8, 0x10, 0, 0x04, 0x40, 0x00, 0x0b],
      startFunction: 1,
    });
    const activity = await deployed(source, {});
    expect((await activity.run()).exit).toEqual({ kind: 'exited', code: 0 });
  });
});

describe('a seed', () => {
  it('makes random numbers the same in each run, and others without', async () => {
    const types = [
      [2, 0x7f, 0x7f, 1, 0x7f],
      [4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f],
    ];
    const store = (at: number, value: number): number[] => [0x41, at, 0x41, value, 0x36, 2, 0];
    const source = moduleOf({
      types,
      imports: [
        [P1, 'random_get', 0, 1],
        [P1, 'fd_write', 0, 2],
      ],
      // 32 bytes to 32, and what is there to stdout.
      start: [
        0x41,
        32,
        0x41,
        32,
        0x10,
        0,
        0x1a,
        ...store(0, 32),
        ...store(4, 32),
        0x41,
        1,
        0x41,
        0,
        0x41,
        1,
        0x41,
        16,
        0x10,
        1,
        0x1a,
      ],
    });
    const activity = await deployed(source, {});
    const bytes = async (env: Record<string, string>): Promise<string> =>
      (await activity.command({ env })).stdout;
    const seeded = await bytes({ ERGON_RANDOM_SEED: 's' });
    expect(await bytes({ ERGON_RANDOM_SEED: 's' })).toBe(seeded);
    expect(await bytes({ ERGON_RANDOM_SEED: 't' })).not.toBe(seeded);
    expect(await bytes({})).not.toBe(await bytes({}));
  });
});

describe('the CPU time of an activity', () => {
  it("grows as the kernel's own figure of the process does", async () => {
    const activity = await deployed(BEHAVE, {});
    const { runtime, handle } = activity;
    const running = await activity.launch(['spin']);
    const frozenAfter = async (ns: bigint): Promise<{ ours: bigint; kernels: bigint }> => {
      await expect
        .poll(async () => (await runtime.stats(handle)).cpuNs, { timeout: 30_000 })
        .toBeGreaterThan(ns);
      await runtime.suspend(handle);
      return { ours: (await runtime.stats(handle)).cpuNs, kernels: kernelCpuNs(activity) };
    };
    const first = await frozenAfter(0n);
    await runtime.resume(handle);
    const second = await frozenAfter(first.ours + 300_000_000n);
    const ours = Number(second.ours - first.ours);
    const kernels = Number(second.kernels - first.kernels);
    // Without control groups the kernel tells it in hundredths of a second.
    expect(Math.abs(ours / kernels - 1)).toBeLessThan(0.1);
    await runtime.resume(handle);
    await running.signal('SIGKILL');
    await running.exit;
  });
});
