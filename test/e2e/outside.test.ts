import { afterAll, beforeAll, expect, it } from 'vitest';
import { busyboxImage, describeDocker } from '../support/docker-engine.ts';
import {
  BODY_BYTES,
  FORBIDDEN,
  OutsideNetwork,
  PORT,
  REACH,
  reached,
  SERVER,
} from '../support/outside-network.ts';
import { GolemNetwork, QuietLogger } from './golem-js/golem-market.ts';
import { MarketPair } from './market-pair.ts';

const IN = 'ergon.usage.network.in_bytes';
const OUT = 'ergon.usage.network.out_bytes';
const NANO = 1_000_000_000n;
/** Smallest units a byte, and at the start. */
const PRICES = { in: 3n, out: 5n, start: 7n };
/** What the layers below a connection add to its bytes. */
const mostOf = (bytes: number): bigint => BigInt(bytes + bytes / 4) * NANO;
const LIMITS = { memoryBytes: 64 << 20, storageBytes: 16 << 20, wallTimeMs: 60_000 };

describeDocker('an outside network, sold by one daemon and bought by another', () => {
  const outside = new OutsideNetwork();
  let pair: MarketPair;
  let image = '';
  beforeAll(async () => {
    await outside.open();
    const pricing = {
      startPrice: tokens(PRICES.start),
      perCounter: {
        [IN]: tokens(PRICES.in),
        [OUT]: tokens(PRICES.out),
        // golem-js takes no offer without these two.
        'golem.usage.cpu_sec': '0',
        'golem.usage.duration_sec': '0',
      },
    };
    pair = await MarketPair.start({
      provider: {
        provider: {
          runtimes: ['docker'],
          presets: [{ name: 'online', runtime: 'docker', network: true, pricing }],
        },
        runtimes: { docker: { network: outside.name, networkAllow: [SERVER] } },
      },
    });
    image = (await pair.requestor.upload('packages', busyboxImage())).hash;
  });
  afterAll(async () => {
    await pair.stop();
    await outside.close();
  });

  const run = (script: string, args: readonly string[], over: object) =>
    pair.submit([], {
      package: image,
      runtime: 'docker',
      entryPoint: 'sh',
      args: ['-c', script, 'sh', ...args],
      limits: LIMITS,
      ...over,
    });

  it('is metered, and billed by the byte', async () => {
    const script = 'wget -q -O got "$1" && wget -q -O - --post-file=got "$1"';
    const taskId = await run(script, [`http://${SERVER}:${PORT}/`], { network: true });
    const task = await pair.done(taskId);
    expect(task.state, JSON.stringify(task.reason)).toBe('Succeeded');
    expect(await pair.log(taskId)).toBe('thanks');

    const { seller, buyer } = await pair.settledBooks(task);
    expect(buyer.agreement.agreement.terms).toMatchObject({ network: true });
    const note = buyer.notes.find((one) => one.note.final)!.note;
    const [received = 0n, sent = 0n] = [IN, OUT].map((counter) => BigInt(note.usage[counter] ?? 0));
    for (const bytes of [received, sent]) {
      expect(bytes).toBeGreaterThan(BigInt(BODY_BYTES) * NANO);
      expect(bytes).toBeLessThan(mostOf(BODY_BYTES));
    }
    const usage = await pair.requestor.call('GET', `/v1/activities/${note.activityId}/usage`);
    expect(usage).toMatchObject({
      usage: { counters: { [IN]: String(received), [OUT]: String(sent) } },
    });
    const due = PRICES.start + (PRICES.in * received + PRICES.out * sent) / NANO;
    expect(note.totalAmountDue).toBe(String(due));
    for (const { invoices } of [seller, buyer]) {
      expect(invoices.map(({ invoice }) => invoice.amount)).toEqual([String(due)]);
    }
    expect(task.bill).toMatchObject({ accepted: String(due), invoiced: String(due), settled: String(due) });
  }, 120_000);

  it('is what a manifest of golem-js asks for', async () => {
    const { url, appKey } = pair.requestor;
    const named = await pair.requestor.raw(
      'POST',
      '/v1/packages?name=tools',
      new Uint8Array(busyboxImage()),
      {
        'content-type': 'application/octet-stream',
      },
    );
    expect(named.status).toBe(201);
    const info = (await (await fetch(`${url}/v1/image/info?tag=tools`)).json()) as Record<string, string>;
    const out = { urls: [`http://${SERVER}`], protocols: ['http'] };
    const manifest = { version: '0.1.0', compManifest: { version: '0.1.0', net: { inet: { out } } } };
    const glm = new GolemNetwork({ api: { url, key: appKey }, logger: new QuietLogger() });
    await glm.connect();
    const rental = await glm.oneOf({
      order: {
        demand: {
          workload: {
            imageUrl: info['http']!,
            imageHash: info['sha3']!,
            manifest: Buffer.from(JSON.stringify(manifest)).toString('base64'),
            capabilities: ['inet', 'manifest-support'],
            minMemGib: 0.1,
            minStorageGib: 0.1,
          },
        },
        market: { rentHours: 0.25, pricing: { model: 'burn-rate', avgGlmPerHour: 1 } },
      },
    });
    const exe = await rental.getExeUnit();
    const { stdout } = await exe.run(`wget -q -O - http://${SERVER}:${PORT}/ | tail -c 3`);
    expect(stdout).toBe('aaa');
    await rental.stopAndFinalize();
    await glm.disconnect();
  });

  it('is no way to the provider, its neighbours and its metadata; without the grant there is none at all', async () => {
    const { port } = new URL(pair.provider.url);
    const own = (await pair.provider.info()).multiaddrs.map((address) => address.split('/')[4]);
    const script = `${REACH}; for port in ${[port, ...own].join(' ')}; do
      wget -q -O /dev/null http://127.0.0.1:$port/v1/health && echo own; done; true`;
    const everybody = [SERVER, ...FORBIDDEN];
    const tasks = [await run(script, everybody, { network: true }), await run(script, everybody, {})];
    const [granted, none] = await Promise.all(
      tasks.map(async (taskId) => {
        await pair.done(taskId);
        return pair.log(taskId);
      }),
    );
    expect(granted).toBe(reached([SERVER], 'yes') + reached(FORBIDDEN, 'no'));
    expect(none).toBe(reached(everybody, 'no'));
  }, 120_000);
});

/** Tokens of 18 digits. */
function tokens(units: bigint): string {
  return `0.${String(units).padStart(18, '0')}`;
}
