import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, type LocalNode } from '../../scripts/local-node.ts';
import { busyboxImage, describeDocker } from '../support/docker-engine.ts';
import { WORKLOAD } from '../support/workload.ts';
import { MarketPair } from './market-pair.ts';
import { Rented, SELLS_BOTH, type RentRequest } from './rented.ts';

const BYTES = 100_000_000;
const noise = randomBytes(BYTES);
const NOISE_HASH = sha256(noise);

let pair: MarketPair;
let stdin: string;
beforeAll(async () => {
  pair = await MarketPair.start({ provider: { provider: SELLS_BOTH } });
  stdin = (await pair.requestor.upload('blobs', noise)).hash;
});
afterAll(() => pair.stop());

const ROOM = { storageBytes: 256 << 20 };

describe('stdout of a WASI program', () => {
  it('arrives byte for byte, live and again, from any place on', async () => {
    await expectWhole(
      { ...ROOM, runtime: 'wasi', packageBytes: await readFile(WORKLOAD) },
      { entry_point: 'workload', args: ['cat'] },
    );
  });
});
describeDocker('stdout of a container', () => {
  it('does so too, and takes no more memory, whoever reads slowly', async () => {
    await expectWhole({ ...ROOM, runtime: 'docker', packageBytes: busyboxImage() }, { entry_point: 'cat' });
  });
});

/** Through supervisor, both daemons, REST, events and CLI, while somebody reads but the first piece of it. */
async function expectWhole(
  request: RentRequest,
  program: { entry_point: string; args?: string[] },
): Promise<void> {
  const { requestor, provider } = pair;
  const rented = await Rented.start(pair, request);
  const lazy = new AbortController();
  // Takes the first piece, and then no more.
  const slow = await fetch(`${requestor.url}${rented.path}/logs?stream=stdout&follow=true`, {
    headers: { authorization: `Bearer ${requestor.appKey}`, accept: 'text/event-stream' },
    signal: lazy.signal,
  });
  const reader = slow.body!.getReader();
  await reader.read();

  const batch = await rented.begin([{ run: { ...program, stdin } }]);
  const live = cli('activity', 'logs', rented.activityId, '-f');
  expect(await rented.finished(batch)).toMatchObject([{ result: 'Ok', exitCode: 0 }]);
  // A command is finished only when its streams are.
  expect((await rented.record(provider)).stdoutBytes).toBe(BYTES);
  expectFlat([provider, requestor]);

  await rented.end();
  expect(await live).toBe(NOISE_HASH);
  expect((await rented.record()).stdoutBytes).toBe(BYTES);
  expect(await cli('activity', 'logs', rented.activityId)).toBe(NOISE_HASH);
  for (const offset of [0, 1, 48 * 1024, BYTES / 2 + 7, BYTES - 1, BYTES]) {
    const response = await requestor.raw('GET', `${rented.path}/logs?stream=stdout&offset=${offset}`);
    const rest = Buffer.from(await response.arrayBuffer());
    expect(rest.equals(noise.subarray(offset)), `from ${offset}`).toBe(true);
  }
  lazy.abort();
}

/** The hash of what the CLI prints. */
async function cli(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [CLI, '--data-dir', pair.requestor.dataDir, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const hash = createHash('sha256');
  child.stdout.on('data', (chunk: Buffer) => hash.update(chunk));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(0);
  return `sha256:${hash.digest('hex')}`;
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Peaks of the daemons' memory after the stream before this one. */
let peaks: readonly number[] = [];

/** What a first stream makes a daemon's memory grow to is enough for the next one. */
function expectFlat(daemons: readonly LocalNode[]): void {
  const before = peaks;
  peaks = daemons.map(({ pid }) => peakBytes(pid));
  for (const [index, peak] of before.entries()) expect(peaks[index]! - peak).toBeLessThan(BYTES / 4);
}

function peakBytes(pid: number): number {
  const text = readFileSync(join('/proc', String(pid), 'status'), 'utf8');
  return Number(/^VmHWM:\s+(\d+)/m.exec(text)?.[1]) * 1024;
}
