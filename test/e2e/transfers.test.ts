import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type {
  ActivityRecord,
  AgreementRecord,
  Batch,
  CommandResult,
  ExeScript,
} from '../../src/interface/index.ts';
import { localServers, serveBytes } from '../support/http-server.ts';
import { MarketPair, type Page } from './market-pair.ts';
import { WORKLOAD } from '../support/workload.ts';

const servers = localServers();
let pair: MarketPair;
beforeAll(async () => {
  pair = await MarketPair.start({ provider: { provider: { transfer: { allowHosts: ['127.0.0.1/32'] } } } });
});
afterAll(() => pair.stop());

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** An archive of a tree, made by the tar of this machine. */
async function inputArchive(): Promise<Buffer> {
  const tree = join(pair.dir, 'tree');
  execFileSync('mkdir', ['-p', join(tree, 'data')]);
  await writeFile(join(tree, 'data', 'noise.bin'), randomBytes(3_000_000));
  await writeFile(join(tree, 'data', 'notes.txt'), 'a note');
  execFileSync('tar', ['-C', tree, '-czf', join(pair.dir, 'input.tar.gz'), 'data']);
  return readFile(join(pair.dir, 'input.tar.gz'));
}

let activity: string;
beforeAll(async () => {
  const { requestor } = pair;
  const { agreement } = await requestor.call<AgreementRecord>('POST', '/v1/agreements', { budget: '0.1' });
  const workload = await readFile(WORKLOAD);
  // The provider gets the package from a server, and the requestor never had it.
  const server = await servers.http(serveBytes(workload, '"w"'));
  const { activityId } = await requestor.call<ActivityRecord>('POST', '/v1/activities', {
    agreementId: agreement.agreementId,
    package: { hash: sha256(workload), sizeBytes: workload.length, url: server.url },
  });
  activity = `/v1/activities/${activityId}`;
  expect((await finished(await begin([{ deploy: {} }, { start: {} }]))).map(({ result }) => result)).toEqual([
    'Ok',
    'Ok',
  ]);
  expect(server.requests).toHaveLength(1);
});

async function begin(script: ExeScript): Promise<string> {
  return (await pair.requestor.call<Batch>('POST', `${activity}/exec`, { script })).batchId;
}

async function finished(batchId: string): Promise<CommandResult[]> {
  const batch = await pair.requestor.call<Batch>('GET', `${activity}/batches/${batchId}?waitMs=60000`);
  expect(batch.finished).toBe(true);
  return batch.results;
}

it('brings an archive from a server, a work on it, and the chosen files back to a server, over kill -9 of the provider’s daemon', async () => {
  const archive = await inputArchive();
  const halfway = Promise.withResolvers<undefined>();
  const source = await servers.http((request, response) => {
    if (request.headers.range !== undefined) {
      serveBytes(archive, '"v1"')(request, response);
      return;
    }
    response.writeHead(200, { 'content-length': archive.length });
    response.write(archive.subarray(0, archive.length / 2), () => halfway.resolve(undefined));
  });
  const received: Buffer[] = [];
  const halfSent = Promise.withResolvers<undefined>();
  const sink = await servers.http(takeFromSecond(received, () => halfSent.resolve(undefined)));

  const progress = { updateIntervalMs: 200 };
  const batchId = await begin([
    { transfer: { from: `${source.url}/in.tar.gz#${sha256(archive)}`, to: 'container:/in/', progress } },
    { run: { entry_point: 'workload', args: ['tick', '1', '1', '/in/data/summary.txt'] } },
    {
      transfer: {
        from: 'container:/in',
        to: `${sink.url}/out`,
        format: 'tar.gz',
        fileset: [{ includes: ['**/*.txt', '**/*.bin'], excludes: ['**/notes*'] }],
        progress,
      },
    },
  ]);
  await halfway.promise;
  // What has come is on its disk a moment later.
  await pair.provider.until('it says how far it is', async () => {
    const events = await pair.provider.call<Page<{ data: { done: number } }>>(
      'GET',
      '/v1/events?type=command.progress',
    );
    return events.items.length > 0 ? true : undefined;
  });
  await pair.provider.kill();
  await pair.provider.launch();
  await halfSent.promise;
  await pair.provider.kill();
  await pair.provider.launch();

  expect((await finished(batchId)).map(({ result, reason }) => [result, reason])).toEqual([
    ['Ok', undefined],
    ['Ok', undefined],
    ['Ok', undefined],
  ]);
  const range = source.requests.at(-1)?.headers.range;
  expect(Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1])).toBeGreaterThan(0);
  const out = join(pair.dir, 'out.tar.gz');
  await writeFile(out, Buffer.concat(received));
  const listed = execFileSync('tar', ['-tzf', out], { encoding: 'utf8' });
  expect(listed.trim().split('\n')).toEqual(['data/noise.bin', 'data/summary.txt']);
  const noise = execFileSync('tar', ['-xzOf', out, 'data/noise.bin'], { maxBuffer: 1 << 24 });
  expect(noise.equals(await readFile(join(pair.dir, 'tree', 'data', 'noise.bin')))).toBe(true);

  const seen = await pair.requestor.call<Page<{ type: string; data: Record<string, unknown> }>>(
    'GET',
    '/v1/events?type=command.progress',
  );
  expect(seen.items[0]).toMatchObject({
    type: 'command.progress',
    data: { batchId, index: 0, total: archive.length, message: 'fetching' },
  });
});

it('hands over what a transfer to the requestor has put out', async () => {
  const [made, out] = await finished(
    await begin([
      { run: { entry_point: 'workload', args: ['tick', '1', '1', '/mine.txt'] } },
      { transfer: { from: 'container:/mine.txt', to: 'blob:' } },
    ]),
  );
  expect([made?.result, out?.result]).toEqual(['Ok', 'Ok']);
  const answer = await pair.requestor.raw('GET', `${activity}/outputs/${out?.blob?.hash}`);
  expect([answer.status, await answer.text()]).toEqual([200, '1 ticks\n']);
  // It makes room for others where it came from.
  const left = await readdir(join(pair.provider.dataDir, activity.replace('/v1/', ''), 'outputs'));
  expect(left).not.toContain(out?.blob?.hash.slice('sha256:'.length));
});

it('says why a transfer cannot be', async () => {
  const missing = await servers.http((_, response) => response.writeHead(404).end('no such page'));
  const cases: readonly [ExeScript[number], string][] = [
    [{ transfer: { from: missing.url, to: 'container:/page' } }, 'ERR_TRANSFER_HTTP_STATUS'],
    [
      { transfer: { from: 'http://169.254.169.254/latest/', to: 'container:/page' } },
      'ERR_TRANSFER_FORBIDDEN_ADDRESS',
    ],
    [{ transfer: { from: 'http://10.1.2.3/', to: 'container:/page' } }, 'ERR_TRANSFER_FORBIDDEN_ADDRESS'],
    [{ transfer: { from: 'container:/nothing', to: missing.url } }, 'ERR_PATH_NOT_FOUND'],
  ];
  for (const [command, code] of cases) {
    const [result] = await finished(await begin([command]));
    expect(result).toMatchObject({ result: 'Error', reason: { code } });
  }
});

/** Hangs in the middle of the first upload; takes the second as a whole. */
function takeFromSecond(received: Buffer[], onHalf: () => void): RequestListener {
  let uploads = 0;
  return (request: IncomingMessage, response: ServerResponse) => {
    uploads += 1;
    if (uploads === 1) {
      request.once('data', onHalf);
      request.on('error', () => undefined);
      return;
    }
    received.length = 0;
    request.on('data', (chunk: Buffer) => received.push(chunk));
    request.on('end', () => response.writeHead(201).end());
  };
}
