import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { supervisions } from '../../../src/activity/records.ts';
import {
  ErgonError,
  type Batch,
  type ExeScript,
  type UrlDelivery,
  type UrlFetch,
} from '../../../src/interface/index.ts';
import { ActivityWorld } from '../../support/activity-world.ts';

const HASH = `sha256:${'a'.repeat(64)}`;
const URL = 'https://files.example/input';
const signal = new AbortController().signal;
const fetchIn: ExeScript[number] = { transfer: { from: URL, to: 'container:/in/' } };
const deliverOut: ExeScript[number] = { transfer: { from: 'container:/out', to: URL } };

describe('transfers from and to URLs', () => {
  let world: ActivityWorld;
  const fetches: UrlFetch[] = [];
  const deliveries: UrlDelivery[] = [];

  beforeEach(async () => {
    fetches.length = 0;
    deliveries.length = 0;
    world = new ActivityWorld();
    await world.start();
    await world.agree('agr');
    await world.wait(world.requestor.create({ activityId: 'act', agreementId: 'agr', limits: {} }));
  });
  afterEach(() => world.stop());

  const exec = (batchId: string, ...script: ExeScript): Promise<Batch> =>
    world.wait(world.requestor.exec('act', batchId, script));
  const finished = (batchId: string): Promise<Batch> =>
    world.wait(world.requestor.waitBatch('act', batchId, signal));
  const needs = async () => (await world.providerStore.get(supervisions, 'act'))?.needs;

  /** Servers that answer when the test says so, until they are asked to stop. */
  function holding(): { release: () => void } {
    const gate = Promise.withResolvers<undefined>();
    const wait = async (asked: AbortSignal): Promise<void> => {
      await Promise.race([
        gate.promise,
        new Promise((_, reject) =>
          asked.addEventListener('abort', () => reject(new ErgonError('ERR_TRANSFER_ABORTED', 'given up'))),
        ),
      ]);
    };
    world.urls = {
      fetch: async (request) => {
        fetches.push(request);
        await wait(request.signal);
        return { hash: HASH, sizeBytes: 600_000 };
      },
      deliver: async (request) => {
        deliveries.push(request);
        await wait(request.signal);
      },
    };
    return { release: () => gate.resolve(undefined) };
  }

  /** The provider's parts are made with what the world has when they start. */
  async function restartProvider(): Promise<void> {
    await world.stopProvider();
    await world.startProvider();
  }

  it('the provider fetches and delivers, within what the agreement allows', async () => {
    holding().release();
    await restartProvider();
    await exec('b1', { deploy: {} }, { start: {} }, fetchIn, deliverOut);
    const batch = await finished('b1');
    expect(batch.results.map(({ result }) => result)).toEqual(['Ok', 'Ok', 'Ok', 'Ok']);
    expect(batch.results[3]?.blob).toBeDefined();
    expect(fetches).toMatchObject([{ url: URL, maxBytes: 1 << 20, key: 'act/b1/2' }]);
    expect(deliveries).toMatchObject([{ url: URL, sizeBytes: 1 }]);
    await world.until('nothing is needed', async () => (await needs())?.length === 0);
  });

  it('what the requestor has taken makes room at the provider, unless it is still to be delivered', async () => {
    const { release } = holding();
    await restartProvider();
    await exec('b1', { deploy: {} }, { start: {} }, { transfer: { from: 'container:/out', to: 'blob:' } });
    const hash = (await finished('b1')).results[2]!.blob!.hash;
    const outputs = world.machine.supervisors.get('act')!.outputs;
    await exec('b2', deliverOut);
    await world.until('it is being delivered', () => deliveries.length === 1);
    await world.wait(world.requestor.outputTaken('act', hash));
    expect([...outputs.keys()]).toEqual([hash]);
    release();
    await finished('b2');
    await world.until('nothing is needed', async () => (await needs())?.length === 0);
    await world.wait(world.requestor.outputTaken('act', hash));
    expect([...outputs.keys()]).toEqual([]);
    await world.wait(world.requestor.outputTaken('act', hash));
  });

  it('what earlier batches have brought takes no room from those that follow', async () => {
    holding().release();
    await restartProvider();
    await exec('b1', { deploy: {} }, { start: {} }, fetchIn);
    await finished('b1');
    for (const batchId of ['b2', 'b3', 'b4']) {
      await exec(batchId, fetchIn);
      expect((await finished(batchId)).results).toMatchObject([{ result: 'Ok' }]);
    }
    expect(fetches.map(({ maxBytes }) => maxBytes)).toEqual([1 << 20, 1 << 20, 1 << 20, 1 << 20]);
  });

  it('what a server does wrong is the reason of the command', async () => {
    const error = new ErgonError('ERR_TRANSFER_HTTP_STATUS', 'status 404', { status: 404 });
    world.urls = { fetch: () => Promise.reject(error), deliver: () => Promise.reject(error) };
    await restartProvider();
    await exec('b1', { deploy: {} }, { start: {} }, fetchIn);
    const reason = { code: 'ERR_TRANSFER_HTTP_STATUS', message: 'status 404', detail: { status: 404 } };
    expect((await finished('b1')).results.at(-1)).toMatchObject({ result: 'Error', reason });
    await exec('b2', deliverOut);
    expect((await finished('b2')).results.at(-1)).toMatchObject({ result: 'Error', reason });
  });

  it.each([
    ['fetch', fetchIn],
    ['delivery', deliverOut],
  ])('a provider that was restarted in the middle goes on with its %s', async (_, command) => {
    holding();
    await restartProvider();
    await exec('b1', { deploy: {} }, { start: {} }, command);
    const begun = (): number => fetches.length + deliveries.length;
    await world.until('it has begun', () => begun() === 1);
    await world.stopProvider();
    const [first] = [...fetches, ...deliveries];
    expect(first?.signal.aborted).toBe(true);
    const { release } = holding();
    await world.startProvider();
    await world.until('it has begun anew', () => begun() === 2);
    expect(fetches[1]?.key).toBe(fetches[0]?.key);
    release();
    expect((await finished('b1')).results.at(-1)).toMatchObject({ result: 'Ok' });
    await restartProvider();
    await world.until('nothing is needed', async () => (await needs())?.length === 0);
    expect(begun()).toBe(2);
  });

  it('a transfer that is canceled is given up on both sides of the socket', async () => {
    holding();
    await restartProvider();
    await exec('b1', { deploy: {} }, { start: {} }, fetchIn);
    await world.until('it has begun', () => fetches.length === 1);
    await world.wait(world.requestor.cancelBatch('act', 'b1'));
    expect((await finished('b1')).results.at(-1)).toMatchObject({ reason: { code: 'Canceled' } });
    await world.until('the fetch is given up', () => fetches[0]?.signal.aborted === true);
    await exec('b2', { run: { entry_point: 'next' } });
    expect((await finished('b2')).results.at(-1)).toMatchObject({ result: 'Ok' });
  });

  it('both parties see how far it is', async () => {
    const { release } = holding();
    await restartProvider();
    await exec('b1', { deploy: {} }, { start: {} }, fetchIn);
    await world.until('it has begun', () => fetches.length === 1);
    for (const done of [100, 200, 300]) {
      await world.clock.advance(1000);
      fetches[0]?.onProgress?.(done, 1000);
      fetches[0]?.onProgress?.(done + 1, 1000);
    }
    release();
    await finished('b1');
    for (const store of [world.providerStore, world.requestorStore]) {
      const events = await store.events.query({ subject: 'act', types: ['command.progress'] });
      expect(events.map(({ data }) => data)).toMatchObject(
        [100, 101, 200, 201, 300].map((done) => ({
          batchId: 'b1',
          index: 2,
          done,
          total: 1000,
          message: 'fetching',
          agreementId: 'agr',
        })),
      );
    }
  });

  it('a task package that has a URL comes from there', async () => {
    holding().release();
    await restartProvider();
    await world.agree('agr2');
    const create = { activityId: 'act2', agreementId: 'agr2', limits: {} };
    const taskPackage = { hash: HASH, sizeBytes: 10, url: 'https://files.example/package.wasm' };
    await world.wait(world.requestor.create({ ...create, package: taskPackage }));
    await world.wait(world.requestor.exec('act2', 'b1', [{ deploy: {} }]));
    expect((await world.wait(world.requestor.waitBatch('act2', 'b1', signal))).results).toMatchObject([
      { result: 'Ok' },
    ]);
    expect(fetches).toMatchObject([{ url: taskPackage.url, expectedHash: HASH }]);
  });
});
