import type { GolemNetwork } from '@golem-sdk/golem-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CountingProxy } from '../../support/counting-proxy.ts';
import { anonymousBytes, HeapInspector, INSPECTED, type LiveHeap } from '../../support/live-heap.ts';
import { GolemMarket } from './golem-market.ts';
import { GUESTS } from './guests.ts';

// More of each for a longer look: LOAD_RENTALS=50 LOAD_ROUNDS=40 LOAD_RUNTIME=docker.
const RENTALS = Number(process.env['LOAD_RENTALS'] ?? 20);
/** Three at the least: what two rounds leave is told from the blur. */
const ROUNDS = Number(process.env['LOAD_ROUNDS'] ?? 3);
const GUEST = GUESTS.find(({ runtime }) => runtime === (process.env['LOAD_RUNTIME'] ?? 'wasi'))!;
const PROVIDERS = 4;
/** Of what lives after a collection: by how much two looks at the same may differ, and what a round may leave. */
const BLUR = { objects: 6_000, bytes: 0.3 * 2 ** 20 };
const EACH_ROUND = { objects: 300, bytes: 0.15 * 2 ** 20 };
/** What the allocators keep for the next round is their own affair: loose. */
const KEPT_BYTES = 128 * 2 ** 20;
const ENDLESS = [
  '/market-api/v1/agreementEvents',
  '/payment-api/v1/debitNoteEvents',
  '/payment-api/v1/invoiceEvents',
];

describe(`${RENTALS} rentals of golem-js at once, ${ROUNDS} times`, () => {
  let market: GolemMarket;
  let proxy: CountingProxy;
  let glm: GolemNetwork;
  let inspectors: HeapInspector[];
  const daemons = () => [market.requestor, ...market.providers];
  beforeAll(async () => {
    market = await GolemMarket.start({ providers: PROVIDERS, place: INSPECTED });
    inspectors = await Promise.all(daemons().map((node) => HeapInspector.attach(node)));
    proxy = await CountingProxy.start(market.requestor.url);
    glm = await market.connect({ api: { key: market.requestor.appKey, url: proxy.url } });
  }, 180_000);
  afterAll(async () => {
    for (const inspector of inspectors) inspector.close();
    await glm.disconnect();
    await proxy.stop();
    await market.stop();
  });

  const rent = async (number: number): Promise<string> => {
    const rental = await glm.oneOf({ order: GUEST.order });
    const exe = await rental.getExeUnit();
    const { stdout } = await exe.run(...GUEST.tick(number, 1));
    await rental.stopAndFinalize();
    return typeof stdout === 'string' ? stdout : '';
  };

  it(
    'are all served, and leave nothing behind',
    async () => {
      const heaps: LiveHeap[][] = [];
      const resident: number[][] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const outputs = await Promise.all(Array.from({ length: RENTALS }, (_, number) => rent(number + 1)));
        for (const [at, output] of outputs.entries()) expect(output).toContain(`tick ${at + 1}\nend`);
        heaps.push(await Promise.all(inspectors.map((inspector) => inspector.live())));
        resident.push(daemons().map(({ pid }) => anonymousBytes(pid)));
        if (process.env['LOAD_SHOW'] !== undefined)
          console.log(shown(round, heaps.at(-1)!, resident.at(-1)!));
      }
      // From the first round on: it loads the code, which does not count, and fills the pools.
      const rounds = ROUNDS - 1;
      for (const [daemon, last] of heaps.at(-1)!.entries()) {
        const { objects, bytes } = heaps[0]![daemon]!;
        expect(last.objects - objects, `objects, daemon ${daemon}`).toBeLessThan(
          BLUR.objects + rounds * EACH_ROUND.objects,
        );
        expect(last.bytes - bytes, `bytes, daemon ${daemon}`).toBeLessThan(
          BLUR.bytes + rounds * EACH_ROUND.bytes,
        );
        expect(resident.at(-1)![daemon]! - resident[0]![daemon]!).toBeLessThan(KEPT_BYTES);
      }
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
    const rental = await glm.oneOf({ order: GUEST.order });
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

function shown(round: number, heaps: readonly LiveHeap[], resident: readonly number[]): string {
  const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(2);
  const each = heaps.map(
    ({ objects, bytes }, at) => `${objects} objects ${mb(bytes)} MB (${mb(resident[at]!)} resident)`,
  );
  return `round ${round + 1}: ${each.join(' | ')}`;
}
