import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExeUnit, GolemNetwork, ResourceRental } from '@golem-sdk/golem-js';
import type { JobManager as Jobs } from '@golem-sdk/golem-js/experimental';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GolemMarket } from './golem-market.ts';
import { DOCKER, GUESTS } from './guests.ts';

// As CommonJS: the same copy of golem-js as everywhere else here.
const { JobManager } = createRequire(import.meta.url)('@golem-sdk/golem-js/experimental') as {
  JobManager: typeof Jobs;
};

const LARGE_BYTES = 64_000_000;
const BIN = fileURLToPath(new URL('../../../bin', import.meta.url));
const textOf = (output: unknown): string => (typeof output === 'string' ? output : JSON.stringify(output));

/** Files there and back, through whatever transport this golem-js uses. */
async function bringFiles(exe: ExeUnit, dir: string, sizes: readonly number[]): Promise<void> {
  for (const size of sizes) {
    const bytes = randomBytes(size);
    const there = join(dir, `in-${size}`);
    const back = join(dir, `out-${size}`);
    await writeFile(there, bytes);
    expect(await exe.uploadFile(there, `/golem/work/file-${size}`)).toMatchObject({ result: 'Ok' });
    expect(await exe.downloadFile(`/golem/work/file-${size}`, back)).toMatchObject({ result: 'Ok' });
    expect((await readFile(back)).equals(bytes), `${size} bytes`).toBe(true);
  }
}

describe('what programs for golem-js do', () => {
  let market: GolemMarket;
  let glm: GolemNetwork;
  let byGftp: GolemNetwork;
  beforeAll(async () => {
    market = await GolemMarket.start({ providers: 2 });
    glm = await market.connect();
    process.env['PATH'] = BIN + delimiter + (process.env['PATH'] ?? '');
    byGftp = await market.connect({ dataTransferProtocol: 'gftp' });
  }, 120_000);
  afterAll(async () => {
    await byGftp.disconnect();
    await glm.disconnect();
    await market.stop();
  });

  it.runIf(GUESTS.includes(DOCKER))(
    'a container has the volumes that it asks for, and what its image has there',
    async () => {
      const { order } = DOCKER;
      const workload = { ...order.demand.workload, minStorageGib: 0.5 };
      const rental = await glm.oneOf({
        order: { ...order, demand: { workload } },
        volumes: { data: { path: '/data/deep', sizeGib: 0.1 } },
      });
      const exe = await rental.getExeUnit();
      expect((await exe.run('cat hello.txt')).stdout).toBe('hello from my local image\n');
      await exe.uploadJson({ a: 1 }, '/data/deep/in.json');
      expect((await exe.run('cat /data/deep/in.json > /data/deep/out.json')).result).toBe('Ok');
      expect(await exe.downloadJson('/data/deep/out.json')).toMatchObject({ data: { a: 1 } });
      // Beside them it has what all have: what is uploaded to a path the program finds there, and the other way round.
      await exe.uploadJson({ b: 2 }, '/tmp/in.json');
      expect(
        (await exe.run('cat /tmp/in.json > $HOME/out.json && cat $HOME/out.json > tmp.json')).result,
      ).toBe('Ok');
      for (const path of ['/tmp/in.json', '/golem/work/out.json', 'tmp.json', '/volume/golem/work/tmp.json'])
        expect(await exe.downloadJson(path), path).toMatchObject({ data: { b: 2 } });
      const elsewhere = await exe.downloadFile('/etc/passwd', join(market.dir, 'passwd'));
      expect(elsewhere.result).toBe('Error');
      expect(elsewhere.message).toMatch(/"\/etc\/passwd" is within no volume.*\/data\/deep, \/golem\/input/);
      await rental.stopAndFinalize();
    },
  );

  describe.each(GUESTS)('in the runtime $runtime', ({ order, env, exit, tick }) => {
    const rented = async (use: (exe: ExeUnit, rental: ResourceRental) => Promise<void>, by = glm) => {
      const rental = await by.oneOf({ order });
      await use(await rental.getExeUnit(), rental);
      await rental.stopAndFinalize();
    };

    it('brings files both ways over websockets, empty ones and large ones', () =>
      rented(async (exe) => {
        await bringFiles(exe, market.dir, [0, 1, 40_960, 40_961, LARGE_BYTES]);
        await exe.uploadJson({ a: 1 }, '/golem/work/data.json');
        expect(await exe.downloadJson('/golem/work/data.json')).toMatchObject({ data: { a: 1 } });
        const gone = await exe.downloadFile('/golem/work/nothing', join(market.dir, 'nothing'));
        expect(gone).toMatchObject({
          result: 'Error',
          message: expect.stringContaining('nothing') as string,
        });
      }));

    it('brings files both ways by gftp', () =>
      rented((exe) => bringFiles(exe, market.dir, [0, 40_961, LARGE_BYTES]), byGftp));

    it('runs batches, tells of a failing command, and captures as much as it was asked for', () =>
      rented(async (exe) => {
        const results = await exe
          .beginBatch()
          .run(...exit(0))
          .run(...exit(42))
          .run(...exit(0))
          .end();
        expect(results.map(({ result }) => result)).toEqual(['Ok', 'Error', 'Error']);
        expect(results[1]!.message).toBe('ExeScript command exited with code 42');
        const said = (value: string, stdout: Parameters<typeof exe.run>[2]) =>
          exe.run(...env('TEXT'), { env: { TEXT: value }, ...stdout });
        const part = async (one: { head: number } | { tail: number } | { headTail: number }) =>
          (await said('0123456789', { capture: { stdout: { atEnd: { part: one, format: 'string' } } } }))
            .stdout;
        expect(await part({ head: 4 })).toBe('0123');
        expect(await part({ tail: 4 })).toBe('789\n');
        expect(await part({ headTail: 5 })).toBe('0129\n');
        const binary = await said('0', { capture: { stdout: { atEnd: { format: 'binary' } } } });
        expect(binary.stdout).toEqual([48, 10]);
        expect(await said('whole', {})).toMatchObject({
          result: 'Ok',
          stdout: 'whole\n',
          isBatchFinished: true,
        });
      }));

    it('streams what a program writes while it runs', () =>
      rented(async (exe) => {
        const remote = await exe.runAndStream(...tick(5, 300));
        const told: string[] = [];
        remote.stdout.subscribe((text) => told.push(textOf(text)));
        expect(await remote.waitForExit(30_000)).toMatchObject({ result: 'Ok' });
        expect(told.join('')).toMatch(/^begin first\ntick 1\n[^]*tick 5\nend\n$/);
        expect(told.length).toBeGreaterThan(2);
      }));

    it('shares work over a pool on two providers, each set up once', async () => {
      const setUp = new Set<string>();
      const pool = await glm.manyOf({
        order,
        poolSize: { min: 2, max: 2 },
        setup: async (exe) => {
          setUp.add(exe.activity.id);
        },
        teardown: async (exe) => {
          await exe.run(...exit(0));
        },
      });
      const used = new Set<string>();
      const outputs = await Promise.all(
        [1, 2, 3, 4].map((number) =>
          pool.withRental(async (rental) => {
            const exe = await rental.getExeUnit();
            used.add(exe.activity.id);
            return textOf((await exe.run(...tick(number, 1))).stdout);
          }),
        ),
      );
      expect(outputs.every((output, at) => output.includes(`tick ${at + 1}\nend`))).toBe(true);
      expect(used.size).toBe(2);
      expect(setUp).toEqual(used);
      await pool.drainAndClear();
    });

    it('uses one rental for several activities', () =>
      rented(async (first, rental) => {
        await first.run(...tick(1, 1));
        await rental.destroyExeUnit();
        const second = await rental.getExeUnit();
        expect(second.activity.id).not.toBe(first.activity.id);
        expect(textOf((await second.run(...tick(1, 1))).stdout)).toContain('begin first');
      }));

    it('aborts in the middle of a run, and ends the rental in the middle of another', () =>
      rented(async (exe, rental) => {
        const aborted = exe.run(...tick(1000, 100), { signalOrTimeout: 1_000 });
        await expect(aborted).rejects.toThrow();
        await rental.destroyExeUnit();
        const next = await rental.getExeUnit();
        const running = await next.runAndStream(...tick(1000, 100));
        await new Promise((resolve) => running.stdout.subscribe(resolve));
      }));

    it('runs jobs', async () => {
      const api = { key: market.requestor.appKey, url: market.requestor.url };
      const jobs = new JobManager({ api, logger: market.logger }, market.logger);
      await jobs.init();
      const job = jobs.createJob<string>(order);
      job.startWork(async (exe) => textOf((await exe.run(...env('WHO'), { env: { WHO: 'job' } })).stdout));
      expect(await job.waitForResult()).toBe('job\n');
      const canceled = jobs.createJob(order);
      canceled.startWork(async (exe) => exe.run(...tick(1000, 100)));
      await canceled.cancel();
      await jobs.close();
    });
  });
});
