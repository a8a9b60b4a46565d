import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GolemNetwork, ScannedOffer } from '@golem-sdk/golem-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GolemMarket, ORDER } from './golem-market.ts';

const textOf = (output: unknown): string => (typeof output === 'string' ? output : JSON.stringify(output));

describe('what programs for golem-js do', () => {
  let market: GolemMarket;
  let glm: GolemNetwork;
  beforeAll(async () => {
    market = await GolemMarket.start({ providers: 2 });
    glm = await market.connect();
  });
  afterAll(async () => {
    await glm.disconnect();
    await market.stop();
  });

  it('brings files both ways, empty ones and large ones', async () => {
    const rental = await glm.oneOf({ order: ORDER });
    const exe = await rental.getExeUnit();
    for (const size of [0, 1, 40_960, 40_961, 3_000_000]) {
      const bytes = randomBytes(size);
      const there = join(market.dir, `in-${size}`);
      const back = join(market.dir, `out-${size}`);
      await writeFile(there, bytes);
      expect(await exe.uploadFile(there, `/file-${size}`)).toMatchObject({ result: 'Ok' });
      expect(await exe.downloadFile(`/file-${size}`, back)).toMatchObject({ result: 'Ok' });
      expect((await readFile(back)).equals(bytes)).toBe(true);
    }
    await exe.uploadJson({ a: 1 }, '/data.json');
    expect(await exe.downloadJson('/data.json')).toMatchObject({ data: { a: 1 } });
    await rental.stopAndFinalize();
  });

  it('runs batches, and tells of a failing command', async () => {
    const rental = await glm.oneOf({ order: ORDER });
    const exe = await rental.getExeUnit();
    const results = await exe
      .beginBatch()
      .run('workload', ['env', 'NOTHING'])
      .run('workload', ['exit', '0'])
      .run('workload', ['exit', '42'])
      .run('workload', ['exit', '0'])
      .end();
    expect(results.map(({ result }) => result)).toEqual(['Ok', 'Ok', 'Error', 'Error']);
    expect(results[2]!.message).toBe('ExeScript command exited with code 42');
    const alive = await exe.run('workload', ['tick', '1', '1']);
    expect(alive).toMatchObject({ result: 'Ok', stdout: expect.stringContaining('tick 1') as string });
    await rental.stopAndFinalize();
  });

  it('streams what a program writes while it runs', async () => {
    const rental = await glm.oneOf({ order: ORDER });
    const exe = await rental.getExeUnit();
    const remote = await exe.runAndStream('workload', ['tick', '5', '300']);
    const told: { at: number; text: string }[] = [];
    remote.stdout.subscribe((text) => told.push({ at: Date.now(), text: textOf(text) }));
    const result = await remote.waitForExit(30_000);
    expect(result.result).toBe('Ok');
    expect(told.map(({ text }) => text).join('')).toMatch(/^begin (first|again)\ntick 1\n[^]*tick 5\nend\n$/);
    expect(told.length).toBeGreaterThan(2);
    await rental.stopAndFinalize();
  });

  it('shares work over a pool on two providers', async () => {
    const pool = await glm.manyOf({ order: ORDER, poolSize: { min: 1, max: 3 } });
    const used = new Set<string>();
    const outputs = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((number) =>
        pool.withRental(async (rental) => {
          const exe = await rental.getExeUnit();
          used.add(exe.provider.name);
          return textOf((await exe.run('workload', ['tick', String(number), '1'])).stdout);
        }),
      ),
    );
    expect(outputs.every((output, at) => output.includes(`tick ${at + 1}\nend`))).toBe(true);
    expect(used.size).toBeGreaterThan(0);
    await pool.drainAndClear();
  });

  it('uses one rental for several activities', async () => {
    const rental = await glm.oneOf({ order: ORDER });
    const first = await rental.getExeUnit();
    await first.run('workload', ['tick', '1', '1']);
    await rental.destroyExeUnit();
    const second = await rental.getExeUnit();
    expect(second.activity.id).not.toBe(first.activity.id);
    expect(textOf((await second.run('workload', ['tick', '1', '1'])).stdout)).toContain('begin first');
    await rental.stopAndFinalize();
  });

  it('aborts in the middle of a run', async () => {
    const rental = await glm.oneOf({ order: ORDER });
    const exe = await rental.getExeUnit();
    const running = exe.run('workload', ['tick', '1000', '100'], { signalOrTimeout: 1_000 });
    await expect(running).rejects.toThrow();
    await rental.stopAndFinalize();
  });

  it('scans the market', async () => {
    const offers: ScannedOffer[] = [];
    const spec = glm.market.buildScanSpecification({ workload: { runtime: { name: 'wasmtime' } } });
    await new Promise<void>((resolve, reject) => {
      const subscription = glm.market.scan(spec).subscribe({
        next: (offer) => {
          offers.push(offer);
          if (offers.length < 2) return;
          subscription.unsubscribe();
          resolve();
        },
        error: reject,
      });
    });
    expect(offers.map(({ provider }) => provider.name).sort()).toEqual(['provider-1', 'provider-2']);
    expect(offers.every(({ runtimeName }) => runtimeName === 'wasmtime')).toBe(true);
  });
});
