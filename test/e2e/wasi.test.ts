import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI } from '../../scripts/local-node.ts';
import { zipOf } from '../support/archives.ts';
import { WORKLOAD } from '../support/workload.ts';
import { MarketPair, type TaskView } from './market-pair.ts';

const FUEL = 'ergon.usage.wasm.fuel';
const NANO = 1_000_000_000n;
/** Tokens for one instruction. */
const PRICE = '0.000000000001';
const PRICE_UNITS = 1_000_000n;
const limits = {
  memoryBytes: 32 * 1024 * 1024,
  storageBytes: 1024 * 1024,
  wallTimeMs: 60_000,
  cpuTimeMs: 10_000,
};

describe('a provider that sells by fuel', () => {
  let pair: MarketPair;
  beforeAll(async () => {
    const preset = {
      name: 'fuel',
      runtime: 'wasi',
      pricing: { startPrice: '0', perCounter: { [FUEL]: PRICE } },
    };
    pair = await MarketPair.start({ provider: { provider: { presets: [preset] } } });
  });
  afterAll(() => pair.stop());

  const bill = async (task: TaskView) => {
    const { seller, buyer } = await pair.settledBooks(task);
    expect(buyer.notes.map(({ note }) => note)).toEqual(seller.notes.map(({ note }) => note));
    const final = buyer.notes.find(({ note }) => note.final);
    return { fuel: BigInt(final?.note.usage[FUEL] ?? '0') / NANO, due: final?.note.totalAmountDue, buyer };
  };

  it('bills what anyone can count for the same program and input', async () => {
    const fuels: unknown[] = [];
    for (let repeat = 0; repeat < 2; repeat++) {
      const task = await pair.done(
        await pair.submit(['env', 'X'], { entryPoint: 'workload.wasm', env: { X: 'y' }, limits }),
      );
      expect(task.state).toBe('Succeeded');
      const { fuel, due } = await bill(task);
      expect(due).toBe((fuel * PRICE_UNITS).toString());
      fuels.push(fuel);
    }
    const args = [
      'runtime',
      'run',
      'wasi',
      '--fuel',
      '--dir',
      `${pair.dir}::/`,
      '--env',
      'X=y',
      WORKLOAD,
      'env',
      'X',
    ];
    const local = await promisify(execFile)(process.execPath, [CLI, ...args]);
    expect(local.stderr).toContain(`fuel used: ${String(fuels[0])}\n`);
    expect(fuels[1]).toBe(fuels[0]);
  });

  it('ends a program at its limit of fuel, and bills just that', async () => {
    const task = await pair.done(await pair.submit(['spin'], { limits: { ...limits, fuel: 50_000_000 } }));
    const detail = { limit: 'fuel', limitValue: 50_000_000 };
    expect(task).toMatchObject({ state: 'Failed', reason: { code: 'LimitExceeded', detail } });
    const { fuel, buyer } = await bill(task);
    expect(buyer.activity).toMatchObject({ state: 'Terminated', reason: { code: 'LimitExceeded', detail } });
    expect(Number(fuel)).toBe(buyer.activity.reason?.detail?.['observed']);
    expect(Number(fuel)).toBeLessThan(50_000_100);
  });

  it('runs packages with a manifest, and the program of them that is asked for', async () => {
    const module = await readFile(WORKLOAD);
    const manifest = {
      id: 'work',
      name: 'work',
      'entry-points': [
        { id: 'first', 'wasm-path': 'a.wasm' },
        { id: 'second', 'wasm-path': 'b.wasm' },
      ],
    };
    const archive = zipOf([
      { name: 'manifest.json', content: JSON.stringify(manifest) },
      { name: 'a.wasm', content: module },
      { name: 'b.wasm', content: module },
    ]);
    const { hash } = await pair.requestor.upload('packages', archive);
    const run = async (entryPoint: string) =>
      pair.done(await pair.submit(['hello'], { package: hash, entryPoint, limits }));
    const second = await run('second');
    expect(await pair.log(second.taskId)).toBe('hello from b.wasm\n');
    expect(await pair.log((await run('main')).taskId)).toBe('hello from a.wasm\n');
    expect(await run('third')).toMatchObject({ state: 'Failed', reason: { code: 'ERR_RUNTIME_PROGRAM' } });
    await expect(readFile(join(pair.dir, 'manifest.json'))).rejects.toThrow();
  });
});
