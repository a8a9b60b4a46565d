import { createHash } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActivityRecord, AgreementRecord, Batch, Offer } from '../../src/interface/index.ts';
import { MarketPair, type Page } from './market-pair.ts';
import { WORKLOAD } from '../support/workload.ts';

describe('the chain from a task package to a settled bill, over two real daemons', () => {
  let pair: MarketPair;
  beforeAll(async () => {
    pair = await MarketPair.start();
  });
  afterAll(() => pair.stop());

  it('runs a task with input, stdin, environment and output', async () => {
    const input = await pair.requestor.upload('blobs', Buffer.from('some input'));
    const id = await pair.submit(['tick', '2', '10', '/sum.txt'], {
      inputs: [{ blob: input.hash, path: '/dir/input.txt' }],
      outputs: ['/sum.txt', '/dir/input.txt'],
    });
    const task = await pair.done(id);
    expect(task).toMatchObject({ state: 'Succeeded', result: { exitCode: 0 } });
    expect(await pair.log(id)).toBe('begin first\ntick 1\ntick 2\nend\n');
    const [sum, copy] = task.result!.outputs;
    expect(await (await pair.requestor.raw('GET', `/v1/blobs/${sum!.blob}`)).text()).toBe('2 ticks\n');
    expect(copy!.blob).toBe(input.hash);

    const { seller, buyer } = await pair.settledBooks(task);
    expect(buyer.agreement.digest).toBe(seller.agreement.digest);
    expect(buyer.agreement.signatures).toEqual(seller.agreement.signatures);
    expect(buyer.activity.state).toBe('Completed');
    expect(seller.activity.state).toBe('Completed');
    expect(seller.activity.history.map((entry) => entry.state)).toEqual([
      'New',
      'Deploying',
      'Ready',
      'Running',
      'Ready',
      'Completed',
    ]);
    expect(buyer.notes.filter((record) => record.note.final)).toHaveLength(1);
    expect(buyer.invoices).toHaveLength(1);
    expect(buyer.invoices[0]!.state).toBe('Settled');
    const final = buyer.notes.find((record) => record.note.final)!;
    expect(BigInt(final.note.totalAmountDue)).toBeGreaterThan(0n);
    expect(task.bill).toMatchObject({
      accepted: final.note.totalAmountDue,
      invoiced: final.note.totalAmountDue,
      settled: final.note.totalAmountDue,
    });
  });

  it('feeds stdin and passes the environment', async () => {
    const cat = await pair.submit(['cat'], { stdin: 'to the program\n' });
    const env = await pair.submit(['env', 'GREETING'], { env: { GREETING: 'hello there' } });
    await pair.done(cat);
    await pair.done(env);
    expect(await pair.log(cat)).toBe('to the program\n');
    expect(await pair.log(env)).toBe('hello there\n');
  });

  it('fails with the exit code of the program, and bills it all the same', async () => {
    const task = await pair.done(await pair.submit(['exit', '42']));
    expect(task).toMatchObject({
      state: 'Failed',
      reason: { code: 'ProgramFailed' },
      result: { exitCode: 42 },
    });
    const { buyer } = await pair.settledBooks(task);
    expect(buyer.invoices).toHaveLength(1);
  });

  it('follows the first description by hand: agreement, activity, deploy, start, run, state, result, terminate', async () => {
    const { requestor } = pair;
    const packageBytes = await readFile(WORKLOAD);
    const taskPackage = await requestor.upload('packages', packageBytes);
    expect(taskPackage.hash).toBe(`sha256:${createHash('sha256').update(packageBytes).digest('hex')}`);
    const offers = await requestor.call<Page<{ offer: Offer }>>('GET', '/v1/offers');
    const agreement = await requestor.call<AgreementRecord>('POST', '/v1/agreements', {
      offerId: offers.items[0]!.offer.offerId,
      budget: '0.5',
    });
    expect(agreement.state).toBe('Approved');
    const { agreementId } = agreement.agreement;
    const { activityId } = await requestor.call<ActivityRecord>('POST', '/v1/activities', {
      agreementId,
      package: taskPackage.hash,
    });
    const command = async (name: string, body: unknown = {}): Promise<Batch> => {
      const { batchId } = await requestor.call<Batch>('POST', `/v1/activities/${activityId}/${name}`, body);
      return requestor.until(`${name} finished`, async () => {
        const batch = await requestor.call<Batch>(
          'GET',
          `/v1/activities/${activityId}/batches/${batchId}?waitMs=5000`,
        );
        return batch.finished ? batch : undefined;
      });
    };
    const state = async () =>
      (await requestor.call<ActivityRecord>('GET', `/v1/activities/${activityId}`)).state;
    expect((await command('deploy')).results[0]!.result).toBe('Ok');
    expect(
      await requestor.until('Deploying', async () => ((await state()) === 'Deploying' ? true : undefined)),
    ).toBe(true);
    await command('start');
    await requestor.until('Ready', async () => ((await state()) === 'Ready' ? true : undefined));
    const run = await command('run', { entryPoint: 'workload', args: ['hello'] });
    expect(run.results[0]).toMatchObject({ result: 'Ok', exitCode: 0 });
    const result = await requestor.call<{ exitCode?: number }>('GET', `/v1/activities/${activityId}/result`);
    expect(result.exitCode).toBe(0);
    await requestor.call('POST', `/v1/activities/${activityId}/terminate`);
    await requestor.until('Completed', async () => ((await state()) === 'Completed' ? true : undefined));
    await requestor.call('POST', `/v1/agreements/${agreementId}/terminate`, {
      reason: { code: 'Done', message: 'by hand' },
    });
    await requestor.until('settled', async () => {
      const page = await requestor.call<Page<{ state: string }>>(
        'GET',
        `/v1/invoices?agreement=${agreementId}`,
      );
      return page.items[0]?.state === 'Settled' ? true : undefined;
    });
  });

  it('gives the supervisors nothing of the books', async () => {
    const { dataDir } = pair.provider;
    const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const commands = await Promise.all(
      ids.map(async (id) => ({
        id,
        command: await readFile(join('/proc', id, 'cmdline'), 'utf8').catch(() => ''),
      })),
    );
    const supervisors = commands.filter(
      ({ command }) => command.includes('supervisor-main') && command.includes(dataDir),
    );
    expect(supervisors.length).toBeGreaterThan(0);
    for (const { id } of supervisors) {
      const fds = await readdir(join('/proc', id, 'fd')).catch(() => []);
      const targets = await Promise.all(
        fds.map((fd) => readlink(join('/proc', id, 'fd', fd)).catch(() => '')),
      );
      expect(targets.filter((target) => target.startsWith(join(dataDir, 'store')))).toEqual([]);
    }
  });
});
