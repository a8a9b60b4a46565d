import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ExeUnit, MarketOrderSpec, ResourceRental } from '@golem-sdk/golem-js';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDocker } from '../../support/docker-engine.ts';
import { networkImage } from '../../support/network-image.ts';
import { tunnelsIn } from '../../support/tunnels.ts';
import { ContractWatch } from '../../support/yagna-contract.ts';
import { SELLS_BOTH } from '../rented.ts';
import { M, Rental } from '../yagna/rental.ts';
import { YagnaClient } from '../yagna/yagna-client.ts';
import { GolemMarket, ORDER } from './golem-market.ts';

const NET = '/net-api/v2/vpn/net';
const TAG = 'ergon/network:latest';
const RUNS: MarketOrderSpec = {
  demand: {
    workload: {
      imageTag: TAG,
      runtime: { name: 'docker' },
      capabilities: ['vpn'],
      minMemGib: 0.1,
      minStorageGib: 0.1,
    },
  },
  market: ORDER.market,
};

describeDocker('networks of golem-js, unmodified', () => {
  let market: GolemMarket;
  let client: YagnaClient;
  const watch = new ContractWatch();
  beforeAll(async () => {
    market = await GolemMarket.start({ providers: 2, provider: { provider: SELLS_BOTH } });
    client = new YagnaClient(market.requestor, watch);
    const uploaded = await market.requestor.raw(
      'POST',
      `/v1/packages?name=${TAG}`,
      new Uint8Array(networkImage()),
      {
        'content-type': 'application/octet-stream',
      },
    );
    expect(uploaded.ok).toBe(true);
  });
  afterAll(() => market.stop());

  it('bring two providers together, and go when they are taken away', async () => {
    const glm = await market.connect();
    const network = await glm.createNetwork({ ip: '192.168.7.0/24' });
    const { id } = network.getNetworkInfo();
    const pool = await glm.manyOf({ poolSize: 2, order: { ...RUNS, network } });
    const rentals = [await pool.acquire(), await pool.acquire()] as const;
    const [a, b] = await Promise.all(rentals.map((rental) => rental.getExeUnit()));
    if (a === undefined || b === undefined) throw new Error('two are rented');

    // Packets, both ways; a busy machine may lose some, as any network does.
    expect(await run(a, pingUntilItWorks(b.getIp()))).toContain('works');
    expect(await run(b, pingUntilItWorks(a.getIp()))).toContain('works');
    await run(b, 'head -c 3000000 /dev/urandom > page && httpd -p 8080');
    const sum = (await run(b, 'sha256sum < page')).trim();
    const fetched = await run(a, `wget -q -O - http://${b.getIp()}:8080/page | sha256sum`);
    expect(fetched.trim()).toBe(sum);

    // The proxy of the SDK, and the websocket under it.
    const proxy = b.createTcpProxy(8080);
    await proxy.listen(17_177);
    const whole = await fetch('http://127.0.0.1:17177/page');
    expect((await whole.arrayBuffer()).byteLength).toBe(3_000_000);
    await proxy.close();
    expect(await closeOf(b.getWebsocketUri(81))).toEqual([4502, expect.stringContaining('ECONNREFUSED')]);
    expect(await client.get(`${NET}/${id}/nodes`)).toHaveLength(3);
    expect(await client.get(`${NET}/${id}/addresses`)).toEqual([{ ip: '192.168.7.1' }]);

    // A daemon that dies takes no network with it.
    const provider = await providerOf(rentals[1]);
    await provider.kill();
    await provider.launch();
    expect(await run(a, pingUntilItWorks(b.getIp()))).toContain('works');

    // Who is taken from the network is out of it at once, whatever still runs.
    await client.ok('DELETE', `${NET}/${id}/nodes/${rentals[1].agreement.provider.id}`);
    expect(await run(a, pingUntilItFails(b.getIp()))).toContain('fails');
    expect(await closeOf(b.getWebsocketUri(8080))).toEqual([4404, expect.any(String)]);
    await client.post(`${NET}/${id}/nodes`, { id: rentals[1].agreement.provider.id, ip: b.getIp() });
    expect(await run(a, pingUntilItWorks(b.getIp()))).toContain('works');

    for (const rental of rentals) await pool.destroy(rental);
    await pool.drainAndClear();
    await glm.destroyNetwork(network);
    expect((await client.call('GET', `${NET}/${id}`)).status).toBe(404);
    await glm.disconnect();
    // The providers clear up behind their clients' backs.
    await expect.poll(() => tunnelsIn(market.dir), { timeout: 30_000, interval: 200 }).toEqual([]);
  });

  it('are refused by a runtime that has none, which is not found by who asks for one', async () => {
    const glm = await market.connect();
    const network = await glm.createNetwork();
    const demand = { workload: { ...ORDER.demand.workload, capabilities: ['vpn'] } };
    await expect(
      glm.oneOf({ order: { ...ORDER, demand, network }, signalOrTimeout: 3_000 }),
    ).rejects.toThrow();
    const rental = await glm.oneOf({ order: { ...ORDER, network } });
    await expect(rental.getExeUnit()).rejects.toThrow(/The runtime wasi has no networks between activities/);
    await rental.stopAndFinalize();
    await glm.destroyNetwork(network);
    await glm.disconnect();
  });

  it('outlive the death of the daemon whose word they are', async () => {
    const { id: networkId } = await client.post<{ id: string }>(NET, { ip: '10.9.0.0/24' });
    const image = await client.get<{ http: string; sha3: string }>(`/v1/image/info?tag=${TAG}`);
    const rentals: Rental[] = [];
    for (const [index, provider] of market.providers.entries()) {
      const nodeIp = `10.9.0.${index + 2}`;
      const id = (await provider.info()).address.toLowerCase();
      const rental = new Rental(client);
      rentals.push(rental);
      await rental.allocate();
      await rental.demand('(golem.runtime.capabilities=vpn)', 'docker');
      const task = { 'golem.srv.comp.task_package': `hash:sha3:${image.sha3}:${image.http}` };
      rental.body = { ...rental.body, properties: { ...rental.body.properties, ...task } };
      const { proposal } = await rental.answer(await rental.counter((await rental.initial(id)).proposalId));
      await rental.agree(proposal!.proposalId);
      await rental.confirm();
      await rental.wait();
      await rental.activity();
      await client.post(`${NET}/${networkId}/nodes`, { id, ip: nodeIp });
      const net = [{ id: networkId, ip: '10.9.0.0', mask: '255.255.255.0', nodes: {}, nodeIp }];
      const results = await rental.results(await rental.exec([{ deploy: { net } }, { start: {} }]));
      expect(results.map(({ result }) => result)).toEqual(['Ok', 'Ok']);
    }
    const [first] = rentals;
    const runs = async (command: string) =>
      first!.results(
        await first!.exec([
          { run: { entry_point: '/bin/sh', args: ['-c', command], capture: { stdout: { atEnd: {} } } } },
        ]),
      );
    expect(await runs(pingUntilItWorks('10.9.0.3'))).toMatchObject([{ result: 'Ok' }]);
    await runs('(while :; do iping -q -c 1 -W 1 10.9.0.3 > /dev/null && echo ok; done) > pings 2>&1 &');
    const pings = join(
      market.providers[0]!.dataDir,
      `activities/${first!.activityId}/volumes/golem/work/pings`,
    );

    await market.requestor.kill();
    const before = statSync(pings).size;
    await expect.poll(() => statSync(pings).size, { timeout: 30_000, interval: 200 }).toBeGreaterThan(before);
    await market.requestor.launch();
    expect(await runs(pingUntilItWorks('10.9.0.3'))).toMatchObject([{ result: 'Ok' }]);
    const url = `${market.requestor.url.replace('http', 'ws')}${NET}/${networkId}/tcp/10.9.0.3/81`;
    expect(await closeOf(url)).toEqual([4502, expect.stringContaining('ECONNREFUSED')]);
    for (const { agreementId } of rentals)
      await client.ok('POST', `${M}/agreements/${agreementId}/terminate`);
    await client.ok('DELETE', `${NET}/${networkId}`);
    await expect.poll(() => tunnelsIn(market.dir), { timeout: 30_000, interval: 200 }).toEqual([]);
  });

  async function providerOf(rental: ResourceRental) {
    for (const provider of market.providers) {
      const { address } = await provider.info();
      if (address.toLowerCase() === rental.agreement.provider.id) return provider;
    }
    throw new Error('the provider is one of ours');
  }

  async function closeOf(url: string): Promise<[number, string]> {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${market.requestor.appKey}` } });
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    return [code, reason.toString()];
  }
});

async function run(exe: ExeUnit, command: string): Promise<string> {
  const { result, stdout, stderr, message } = await exe.run(command);
  if (result !== 'Ok') throw new Error(`${command}: ${JSON.stringify({ message, stdout, stderr })}`);
  return typeof stdout === 'string' ? stdout : '';
}

const pingUntilItWorks = (ip: string): string =>
  `for i in $(seq 60); do iping -q -c 1 -W 1 ${ip} > /dev/null && echo works && exit 0; done; exit 1`;
const pingUntilItFails = (ip: string): string =>
  `for i in $(seq 60); do iping -q -c 1 -W 1 ${ip} > /dev/null || { echo fails; exit 0; }; sleep 0.2; done; exit 1`;
