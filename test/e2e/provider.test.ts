import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  ActivityRecord,
  ConfigReload,
  Offer,
  PeerInfo,
  ProviderMode,
  ProviderStatus,
} from '../../src/interface/index.ts';
import { MarketPair, type Page } from './market-pair.ts';

const PRICE = 'golem.com.pricing.model.linear.coeffs@d';
const preset = (startPrice: string) => ({
  name: 'wasi',
  runtime: 'wasi',
  pricing: { startPrice, perCounter: { 'golem.usage.duration_sec': '0.0001' } },
});

describe('a provider in its operator’s hands', () => {
  let pair: MarketPair;
  beforeAll(async () => {
    pair = await MarketPair.start({ provider: { provider: { presets: [preset('0')] } } });
  });
  afterAll(() => pair.stop());

  const status = () => pair.provider.call<ProviderStatus>('GET', '/v1/provider');
  const setMode = (mode: ProviderMode) =>
    pair.provider.call<ProviderStatus>('POST', '/v1/provider', { mode });
  const reload = () => pair.provider.call<ConfigReload>('POST', '/v1/provider/reload', {});
  /** Start prices that the requestor has heard of. */
  const startPrices = async (): Promise<unknown[]> => {
    const { items } = await pair.requestor.call<Page<{ offer: Offer }>>('GET', '/v1/offers');
    return [...new Set(items.map(({ offer }) => (offer.properties[PRICE] as unknown[]).at(-1)))];
  };
  const untilOffered = (wanted: unknown[]) =>
    pair.requestor.until(`offers at ${JSON.stringify(wanted)}`, async () =>
      JSON.stringify(await startPrices()) === JSON.stringify(wanted) ? true : undefined,
    );
  const runningActivity = (taskId: string): Promise<string> =>
    pair.requestor.until('the activity runs', async () => {
      const id = (await pair.task(taskId)).attempts.at(-1)?.activityId;
      if (id === undefined) return undefined;
      const found = await pair.requestor
        .call<ActivityRecord>('GET', `/v1/activities/${id}`)
        .catch(() => undefined);
      return found?.state === 'Running' ? id : undefined;
    });
  const untilState = (id: string, state: string) =>
    pair.requestor.until(state, async () => {
      const found = await pair.requestor.call<ActivityRecord>('GET', `/v1/activities/${id}`);
      return found.state === state ? found : undefined;
    });

  it('pauses: nothing is sold, what runs is frozen, over a kill -9 too; and runs again', async () => {
    await untilOffered(['0']);
    const taskId = await pair.submit(['tick', '60', '50']);
    const activityId = await runningActivity(taskId);
    expect(await setMode('pause')).toMatchObject({ mode: 'pause', effective: 'pause', offers: 0 });
    expect((await untilState(activityId, 'Suspended')).holds).toEqual(['node']);
    await untilOffered([]);
    await pair.provider.kill();
    await pair.provider.launch();
    expect(await status()).toMatchObject({ mode: 'pause', offers: 0, activities: { Suspended: 1 } });
    expect(await setMode('run')).toMatchObject({ effective: 'run' });
    expect(await pair.done(taskId)).toMatchObject({ state: 'Succeeded' });
    const { history } = await pair.requestor.call<ActivityRecord>('GET', `/v1/activities/${activityId}`);
    expect(history.map(({ state }) => state).join()).toContain('Running,Suspended,Running');
    expect(await pair.log(taskId)).toMatch(/^begin first\n(tick \d+\n){60}end\n$/);
    await untilOffered(['0']);
  });

  it('drains: what runs goes on to its end, and nobody new gets in', async () => {
    const taskId = await pair.submit(['tick', '40', '50']);
    const path = `/v1/activities/${await runningActivity(taskId)}`;
    // It is not over before everything here has been looked at.
    await pair.requestor.call('POST', `${path}/suspend`, {});
    expect(await status()).toMatchObject({ soldOut: false, presetNotes: [] });
    await pair.provider.reconfigure({ provider: { maxAgreements: 1 } });
    await reload();
    expect(await status()).toMatchObject({ soldOut: true });
    expect(await setMode('drain')).toMatchObject({ mode: 'drain', offers: 0, agreements: 1 });
    const offer = await pair.requestor.raw('POST', '/v1/agreements', '{"budget":"0.5","waitMs":0}', {
      'content-type': 'application/json',
    });
    expect(offer.ok).toBe(false);
    await pair.requestor.call('POST', `${path}/resume`, {});
    expect(await pair.done(taskId)).toMatchObject({ state: 'Succeeded' });
    await pair.provider.until('drained', async () => ((await status()).agreements === 0 ? true : undefined));
    await setMode('run');
    await untilOffered(['0']);
  });

  it('takes new prices on SIGHUP, and none of a configuration that is not valid', async () => {
    await pair.provider.reconfigure({
      provider: { presets: [preset('0.001')] },
      api: { maxPackageBytes: 1000 },
    });
    process.kill(pair.provider.pid, 'SIGHUP');
    await untilOffered(['0.001']);
    const again = await reload();
    expect(again.applied).toEqual([]);
    expect(again.restartNeeded).toContain('api.maxPackageBytes');

    await pair.provider.reconfigure({ provider: { presets: [preset('0.5')], maxAgreements: -1 } });
    const refused = await pair.provider.raw('POST', '/v1/provider/reload', '{}', {
      'content-type': 'application/json',
    });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    process.kill(pair.provider.pid, 'SIGHUP');
    await pair.provider.until('it is said in the log', async () =>
      pair.provider.log().includes('the configuration was not taken over') ? true : undefined,
    );
    expect(await startPrices()).toEqual(['0.001']);
    expect(await status()).toMatchObject({ effective: 'run' });
  });

  it('keeps to its schedule, which may change while it runs', async () => {
    await pair.provider.reconfigure({
      provider: { presets: [preset('0.002')], maxAgreements: 4, schedule: { hours: { mon: [] } } },
    });
    expect((await reload()).applied).toEqual([
      'provider.maxAgreements',
      'provider.presets',
      'provider.schedule.hours',
    ]);
    expect(await status()).toMatchObject({
      mode: 'run',
      effective: 'pause',
      reason: { code: 'OutsideHours' },
      offers: 0,
    });
    await pair.provider.reconfigure({ provider: { schedule: { hours: { mon: ['00:00-24:00'] } } } });
    const all = Object.fromEntries(
      ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].map((day) => [day, ['00:00-24:00']]),
    );
    await pair.provider.reconfigure({ provider: { schedule: { hours: all } } });
    await reload();
    expect(await status()).toMatchObject({ effective: 'run' });
    await untilOffered(['0.002']);
  });

  it('breaks with a peer that it denies', async () => {
    const peers = () => pair.provider.call<Page<PeerInfo>>('GET', '/v1/peers');
    const [peer] = (await peers()).items;
    await pair.provider.reconfigure({ provider: { deny: [peer?.address] } });
    expect((await reload()).applied).toContain('provider.deny');
    await pair.provider.until('it is gone', async () =>
      (await peers()).items.length === 0 ? true : undefined,
    );
  });
});
