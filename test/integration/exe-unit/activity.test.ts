import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExeUnits } from '../../../src/interface/exe-unit.ts';
import {
  exeUnitsForEach,
  followToEnd,
  followUntil,
  ofType,
  realExeUnits,
  run,
  script,
  specOf,
  supervisorPids,
  wholeLog,
} from '../../support/exe-units.ts';

let dataDir: string;
let units: ExeUnits;
exeUnitsForEach((made) => ({ dataDir, units } = made));

function blob(text: string): { hash: string; path: string } {
  const hash = createHash('sha256').update(text).digest('hex');
  const path = join(dataDir, hash);
  writeFileSync(path, text);
  return { hash: `sha256:${hash}`, path };
}

describe('an activity under its supervisor', () => {
  it('walks from New to Completed, one record for each step, usage never falling', async () => {
    await units.create(specOf('a1'));
    await units.exec(
      'a1',
      'b1',
      script(run('echo', 'hello'), run('complain', 'world'), { sign: {} }, { terminate: {} }),
    );
    const records = await followToEnd(units, 'a1');
    expect(records.map((record) => record.seq)).toEqual(records.map((_, index) => index + 1));
    const states = ofType(records, 'state').filter((record) => record.pending === undefined);
    expect(states.map((record) => record.state)).toEqual([
      'Deploying',
      'Ready',
      'Running',
      'Ready',
      'Running',
      'Ready',
      'Ready',
      'Completed',
    ]);
    const results = ofType(records, 'command-finished').map((record) => record.result);
    expect(results.map(({ result }) => result)).toEqual(['Ok', 'Ok', 'Ok', 'Ok', 'Ok', 'Ok']);
    expect(results[2]).toMatchObject({
      exitCode: 0,
      stdout: { start: 0, end: 6 },
      stderr: { start: 0, end: 0 },
    });
    expect(results[3]).toMatchObject({
      exitCode: 0,
      stdout: { start: 6, end: 6 },
      stderr: { start: 0, end: 6 },
    });
    expect((await wholeLog(units, 'a1', 'stdout')).toString()).toBe('hello\n');
    expect((await wholeLog(units, 'a1', 'stderr')).toString()).toBe('world\n');
    const samples = ofType(records, 'usage').map((record) => record.sample);
    expect(samples.map((sample) => sample.sequence)).toEqual(samples.map((_, index) => index + 1));
    for (const [index, sample] of samples.entries()) {
      for (const [name, value] of Object.entries(sample.counters)) {
        expect(BigInt(value)).toBeGreaterThanOrEqual(BigInt(samples[index - 1]?.counters[name] ?? 0));
      }
    }
    expect(BigInt(samples.at(-1)!.counters['golem.usage.cpu_sec']!)).toBeGreaterThan(0n);
    expect(BigInt(samples.at(-1)!.counters['golem.usage.duration_sec']!)).toBeGreaterThan(0n);
  });

  it('is made once, whoever asks how often, and runs a batch once', async () => {
    await Promise.all([1, 2, 3].map(() => units.create(specOf('a1'))));
    expect(supervisorPids(dataDir)).toHaveLength(1);
    expect(await units.list()).toEqual(['a1']);
    await expect(units.create(specOf('a1', { sampleIntervalMs: 999 }))).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_CONFLICT',
    });
    const batch = script(run('echo', 'once'));
    await Promise.all([1, 2, 3].map(() => units.exec('a1', 'b1', batch)));
    await followUntil(units, 'a1', (record) => record.type === 'batch-finished');
    await units.exec('a1', 'b1', batch);
    await expect(units.exec('a1', 'b1', script())).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_CONFLICT' });
    expect((await wholeLog(units, 'a1', 'stdout')).toString()).toBe('once\n');
    await units.exec('a1', 'b2', [{ terminate: {} }]);
    const records = await followToEnd(units, 'a1');
    expect(ofType(records, 'batch').map((record) => record.batchId)).toEqual(['b1', 'b2']);
    // Known to the journal, also when the supervisor is no more.
    await units.exec('a1', 'b1', batch);
    await expect(units.exec('a1', 'b3', batch)).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_ENDED' });
  });

  it('fails a command without ending the activity, and stops the batch there', async () => {
    await units.create(specOf('a1'));
    await units.exec('a1', 'b1', script(run('exit', '42'), run('echo', 'never')));
    const records = await followUntil(units, 'a1', (record) => record.type === 'batch-finished');
    expect(ofType(records, 'command-finished').at(-1)!.result).toMatchObject({
      index: 2,
      result: 'Error',
      exitCode: 42,
      message: 'ExeScript command exited with code 42',
      reason: { code: 'ExitCode', detail: { exitCode: 42 } },
    });
    await units.exec('a1', 'b2', [{ start: {} }]);
    const more = await followUntil(
      units,
      'a1',
      (record) => record.type === 'batch-finished' && record.batchId === 'b2',
    );
    expect(ofType(more, 'command-finished').at(-1)!.result).toMatchObject({
      result: 'Error',
      reason: { code: 'ERR_ACTIVITY_ILLEGAL_COMMAND' },
    });
    expect(ofType(more, 'state').at(-1)).toMatchObject({ state: 'Ready' });
  });

  it('is busy while a batch runs, and ends in the middle of it', async () => {
    await units.create(specOf('a1'));
    await units.exec('a1', 'b1', script(run('stubborn')));
    await followUntil(units, 'a1', (record) => record.type === 'state' && record.state === 'Running');
    await expect(units.exec('a1', 'b2', script())).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_BUSY' });
    const why = { code: 'PaymentDefault', message: 'a debit note was not accepted' };
    const ended = units.end('a1', 'Terminated', why);
    await followUntil(units, 'a1', (record) => record.type === 'state' && record.pending === 'Terminated');
    await Promise.all([ended, units.end('a1', 'Completed')]);
    const records = await followToEnd(units, 'a1');
    expect(records.slice(-5).map((record) => record.type)).toEqual([
      'state',
      'command-finished',
      'batch-finished',
      'usage',
      'state',
    ]);
    expect(ofType(records, 'command-finished').at(-1)!.result).toMatchObject({
      result: 'Error',
      reason: why,
    });
    expect(ofType(records, 'state').at(-1)).toMatchObject({ state: 'Terminated', reason: why });
    await units.end('a1', 'Completed');
    await expect.poll(() => units.status('a1')).toBe('gone');
    expect(supervisorPids(dataDir)).toEqual([]);
  });

  it('delivers 100 MB of output byte for byte', async () => {
    const bytes = 100_000_000;
    await units.create(specOf('a1', { maxOutputBytes: bytes }));
    await units.exec('a1', 'b1', script(run('flood', String(bytes)), { terminate: {} }));
    const records = await followToEnd(units, 'a1');
    expect(ofType(records, 'command-finished')[2]!.result).toMatchObject({
      result: 'Ok',
      stdout: { start: 0, end: bytes },
    });
    const expected = createHash('sha256');
    const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
    for (let left = bytes; left > 0; left -= 1_000_000)
      expected.update(cipher.update(Buffer.alloc(1_000_000)));
    const found = createHash('sha256').update(await wholeLog(units, 'a1', 'stdout'));
    expect(found.digest('hex')).toBe(expected.digest('hex'));
  });

  it('waits for blobs, checks them, and carries files in and out of the volume', async () => {
    const input = blob('the input');
    const wrong = blob('not the input');
    await units.create(specOf('a1'));
    await units.exec(
      'a1',
      'b1',
      script(
        { transfer: { from: `blob:${input.hash}`, to: 'container:/in/file.txt' } },
        run('read-file', '/in/file.txt'),
        { run: { entry_point: 'cat', stdin: input.hash } },
        { transfer: { from: 'container:/in/file.txt', to: 'blob:' } },
      ),
    );
    const needs = ofType(await followUntil(units, 'a1', (record) => record.type === 'need'), 'need');
    expect(needs).toMatchObject([{ batchId: 'b1', index: 2, hash: input.hash }]);
    await expect(units.provide('a1', input.hash, { path: wrong.path })).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_HASH_MISMATCH',
    });
    await units.provide('a1', input.hash, { path: input.path });
    await units.provide('a1', input.hash, { path: input.path });
    const records = await followUntil(units, 'a1', (record) => record.type === 'batch-finished');
    // Once brought, it serves the second command too.
    expect(ofType(records, 'need')).toHaveLength(1);
    expect((await wholeLog(units, 'a1', 'stdout')).toString()).toBe('the inputthe input');
    const { result } = ofType(records, 'command-finished').at(-1)!;
    expect(result).toMatchObject({ result: 'Ok', blob: { hash: input.hash, sizeBytes: 9 } });
    expect(readFileSync((await units.outputPath('a1', input.hash))!, 'utf8')).toBe('the input');
    expect(await units.outputPath('a1', wrong.hash)).toBeUndefined();
    expect(await units.outputPath('a1', '../../x')).toBeUndefined();
    for (const hash of [input.hash, input.hash, '../../x']) await units.dropOutput('a1', hash);
    expect(await units.outputPath('a1', input.hash)).toBeUndefined();
  });

  it('fails a command whose blob cannot be had, a transfer that leaves the volume, and one it does not know', async () => {
    const input = blob('the input');
    const outcome = async (batchId: string, ...commands: Parameters<typeof script>): Promise<object> => {
      await units.exec('a1', batchId, commands);
      const records = await followUntil(
        units,
        'a1',
        (record) => record.type === 'batch-finished' && record.batchId === batchId,
      );
      return ofType(records, 'command-finished').at(-1)!.result;
    };
    await units.create(specOf('a1', { resources: { cpuThreads: 1, memoryBytes: 1 << 26, storageBytes: 8 } }));
    await outcome('b0', { deploy: {} }, { start: {} });
    await units.exec('a1', 'b1', [{ transfer: { from: `blob:${input.hash}`, to: 'container:/x' } }]);
    await followUntil(units, 'a1', (record) => record.type === 'need');
    await units.provide('a1', input.hash, {
      error: { code: 'ERR_BLOB_NOT_FOUND', message: 'the requestor has no such blob' },
    });
    const failed = await followUntil(
      units,
      'a1',
      (record) => record.type === 'batch-finished' && record.batchId === 'b1',
    );
    expect(ofType(failed, 'command-finished').at(-1)!.result.reason).toMatchObject({
      code: 'ERR_BLOB_NOT_FOUND',
    });
    expect(await outcome('b2', { transfer: { from: 'container:/../secret', to: 'blob:' } })).toMatchObject({
      reason: { code: 'ERR_PATH_INVALID' },
    });
    expect(
      await outcome('b3', { transfer: { from: 'gftp://example.com/', to: 'container:/x' } }),
    ).toMatchObject({
      reason: { code: 'ERR_EXE_UNIT_TRANSFER_UNSUPPORTED' },
    });
    await units.exec('a1', 'b4', [{ transfer: { from: `blob:${input.hash}`, to: 'container:/x' } }]);
    await followUntil(units, 'a1', (record) => record.type === 'need' && record.batchId === 'b4');
    await units.provide('a1', input.hash, { path: input.path });
    const full = await followUntil(
      units,
      'a1',
      (record) => record.type === 'batch-finished' && record.batchId === 'b4',
    );
    expect(ofType(full, 'command-finished').at(-1)!.result.reason).toMatchObject({
      code: 'LimitExceeded',
      detail: { limit: 'disk' },
    });
  });

  it('needs the task package before it deploys', async () => {
    const taskPackage = blob('a package');
    await units.create(specOf('a1', { package: { hash: taskPackage.hash, sizeBytes: 9 } }));
    await units.exec('a1', 'b1', script(run('package-bytes')));
    const before = await followUntil(units, 'a1', (record) => record.type === 'need');
    expect(ofType(before, 'need')[0]).toMatchObject({ index: 0, hash: taskPackage.hash });
    await units.provide('a1', taskPackage.hash, { path: taskPackage.path });
    await followUntil(units, 'a1', (record) => record.type === 'batch-finished');
    expect((await wholeLog(units, 'a1', 'stdout')).toString()).toBe('a package');
  });

  it('is disposed of when it has ended, and not before', async () => {
    await units.create(specOf('a1'));
    await units.exec('a1', 'b1', script(run('write-file', '/left', 'over')));
    await followUntil(units, 'a1', (record) => record.type === 'batch-finished');
    await expect(units.dispose('a1')).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_NOT_ENDED' });
    await units.end('a1', 'Completed');
    await units.dispose('a1');
    await units.dispose('a1');
    expect(readdirSync(join(dataDir, 'activities'))).toEqual([]);
    await expect(units.status('a1')).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_NOT_FOUND' });
  });

  it('lives under a data directory of any depth', async () => {
    const deep = join(dataDir, ...Array.from({ length: 20 }, () => 'a-rather-long-name'));
    mkdirSync(deep, { recursive: true });
    const below = await realExeUnits(deep);
    await below.start();
    await below.create(specOf('a1'));
    expect(await below.status('a1')).toBe('alive');
    await below.end('a1', 'Completed');
    await below.stop();
  });
});
