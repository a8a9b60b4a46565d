import { readFileSync } from 'node:fs';
import type { GolemNetwork } from '@golem-sdk/golem-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CountingProxy } from '../../support/counting-proxy.ts';
import { GolemMarket, ORDER } from './golem-market.ts';

// More of both for a longer look: LOAD_RENTALS=50 LOAD_ROUNDS=20.
const RENTALS = Number(process.env['LOAD_RENTALS'] ?? 20);
const ROUNDS = Number(process.env['LOAD_ROUNDS'] ?? 2);
const PROVIDERS = 4;
/** What the collector of a busy machine may be behind by, however long the look, and what each round may leave. */
const UNCOLLECTED_BYTES = 160 * 2 ** 20;
const ROUND_BYTES = 8 * 2 ** 20;
const ENDLESS = [
  '/market-api/v1/agreementEvents',
  '/payment-api/v1/debitNoteEvents',
  '/payment-api/v1/invoiceEvents',
];

describe(`${RENTALS} rentals of golem-js at once, ${ROUNDS} times`, () => {
  let market: GolemMarket;
  let proxy: CountingProxy;
  let glm: GolemNetwork;
  beforeAll(async () => {
    market = await GolemMarket.start({ providers: PROVIDERS });
    proxy = await CountingProxy.start(market.requestor.url);
    glm = await market.connect({ api: { key: market.requestor.appKey, url: proxy.url } });
  }, 180_000);
  afterAll(async () => {
    await glm.disconnect();
    await proxy.stop();
    await market.stop();
  });

  const rent = async (number: number): Promise<string> => {
    const rental = await glm.oneOf({ order: ORDER });
    const exe = await rental.getExeUnit();
    const { stdout } = await exe.run('workload', ['tick', String(number), '1']);
    await rental.stopAndFinalize();
    return typeof stdout === 'string' ? stdout : '';
  };

  it(
    'are all served, and leave nothing behind',
    async () => {
      const nodes = [market.requestor, ...market.providers];
      const memory: number[][] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const outputs = await Promise.all(Array.from({ length: RENTALS }, (_, number) => rent(number + 1)));
        for (const [at, output] of outputs.entries()) expect(output).toContain(`tick ${at + 1}\nend`);
        memory.push(nodes.map(({ pid }) => residentBytes(pid)));
      }
      // The first round warms up: code is compiled, pools are filled.
      const [first, last] = [memory[0]!, memory.at(-1)!];
      const growth = last.map((bytes, node) => bytes - first[node]!);
      expect(growth.filter((bytes) => bytes > UNCOLLECTED_BYTES + ROUND_BYTES * (ROUNDS - 1))).toEqual([]);
      expect(market.logger.lines.filter((line) => line.startsWith('error'))).toEqual([]);
    },
    ROUNDS * 180_000,
  );

  it('were answered without a failure of the daemon', () => {
    expect(proxy.seen.filter(({ status }) => status >= 500)).toEqual([]);
    expect(proxy.seen.length).toBeGreaterThan(RENTALS * ROUNDS);
  });

  it('held every poll that had nothing to tell for as long as it asked', () => {
    const empty = proxy.seen.filter(({ isEmpty, asked, method }) => method === 'GET' && isEmpty && asked > 0);
    expect(empty.length).toBeGreaterThan(0);
    expect(empty.filter(({ heldMs, asked }) => heldMs < asked * 1000 - 50)).toEqual([]);
  });

  it('ask for nothing but what is held while nothing happens', async () => {
    const rental = await glm.oneOf({ order: ORDER });
    await rental.getExeUnit();
    const before = proxy.seen.length;
    const since = (): typeof proxy.seen => proxy.seen.slice(before);
    const polls = (route: string): number => since().filter((seen) => seen.route === route).length;
    await proxy.until(() => ENDLESS.every((route) => polls(route) >= 2));
    // Each poll may be one ahead of the slowest, and what was under way at the beginning comes in, too.
    expect(since().length).toBeLessThanOrEqual(ENDLESS.length * 4);
    await rental.stopAndFinalize();
  }, 120_000);
});

function residentBytes(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
