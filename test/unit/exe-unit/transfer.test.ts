import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JournalWriter } from '../../../src/exe-unit/journal/writer.ts';
import { JournalTail } from '../../../src/exe-unit/journal/tail.ts';
import { Supervisor } from '../../../src/exe-unit/supervisor/supervisor.ts';
import type { CommandResult, ExeCommand, JournalRecord, NeedAnswer } from '../../../src/interface/index.ts';
import { tarOf, zipOf } from '../../support/archives.ts';
import { ofType, script, specOf } from '../../support/exe-units.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeRuntime } from '../../support/fake-runtime.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

type Transfer = Extract<ExeCommand, { transfer: unknown }>['transfer'];

const folder = temporaryFolder();
const QUOTA = 1 << 20;
let clock: FakeClock;
let runtime: FakeRuntime;
let journal: JournalWriter;
let supervisor: Supervisor;
let batches = 0;

beforeEach(async () => {
  mkdirSync(join(folder(), 'volumes'));
  clock = new FakeClock();
  runtime = new FakeRuntime();
  batches = 0;
  const resources = { cpuThreads: 1, memoryBytes: 1 << 20, storageBytes: QUOTA };
  const spec = specOf('a1', { runtime: 'fake', deadline: clock.now() + 10_000_000, resources });
  journal = await JournalWriter.create(join(folder(), 'journal.ndjson'), clock);
  journal.append({ type: 'created', spec });
  supervisor = await Supervisor.create(spec, folder(), { clock, logger: silentLogger, runtime, journal });
  await supervisor.exec('b0', script());
  await until((record) => record.type === 'batch-finished');
});
afterEach(async () => {
  await supervisor.end('Completed');
  await supervisor.done;
  await journal.close();
});

async function records(): Promise<JournalRecord[]> {
  const all: JournalRecord[] = [];
  for await (const record of new JournalTail(join(folder(), 'journal.ndjson')).read()) all.push(record);
  return all;
}

async function until(matches: (record: JournalRecord) => boolean): Promise<JournalRecord[]> {
  for (;;) {
    const all = await records();
    if (all.some(matches)) return all;
    await clock.settle();
  }
}

/** Begins a transfer; what it waits for is for the test to answer. */
async function begin(transfer: Transfer): Promise<string> {
  batches += 1;
  await supervisor.exec(`b${batches}`, [{ transfer }]);
  return `b${batches}`;
}

async function resultOf(batchId: string): Promise<CommandResult> {
  const all = await until((record) => record.type === 'batch-finished' && record.batchId === batchId);
  return ofType(all, 'command-finished').find((record) => record.batchId === batchId)!.result;
}

async function transfer(request: Transfer): Promise<CommandResult> {
  return resultOf(await begin(request));
}

const volume = (path: string): string => join(folder(), 'volumes', path);
function plant(path: string, content: string | Buffer): void {
  mkdirSync(dirname(volume(path)), { recursive: true });
  writeFileSync(volume(path), content);
}
const planted = (directory: string): string[] =>
  readdirSync(volume(directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(volume('').length + 1))
    .sort();

/** A file of the host, as the daemon would bring it. */
function hostFile(content: Buffer): { path: string; hash: string } {
  const path = join(folder(), `host-${content.length}`);
  writeFileSync(path, content);
  return { path, hash: `sha256:${createHash('sha256').update(content).digest('hex')}` };
}

async function bring(request: Omit<Transfer, 'from'>, content: Buffer): Promise<CommandResult> {
  const { path, hash } = hostFile(content);
  const batchId = await begin({ ...request, from: `blob:${hash}` });
  // What the batch has already is not asked for again.
  const isAsked = ({ type }: JournalRecord): boolean => type === 'need' || type === 'batch-finished';
  await until((record) => isAsked(record) && 'batchId' in record && record.batchId === batchId);
  await supervisor.provide(hash, { path });
  return resultOf(batchId);
}

const output = (result: CommandResult): Buffer =>
  readFileSync(join(folder(), 'outputs', result.blob!.hash.slice('sha256:'.length)));

const TREE = tarOf([
  { name: 'a/one.txt', content: '1' },
  { name: 'a/two.bin', content: '22' },
  { name: 'three.txt', content: '333', mode: 0o755 },
]);

describe('transfers of a supervisor', () => {
  it.each([
    ['tar by its first bytes', TREE, undefined],
    ['tar by name', TREE, 'tar'],
    ['tar.gz by its first bytes', gzipSync(TREE), undefined],
    [
      'zip by name',
      zipOf([{ name: 'a/one.txt', content: '1' }, { name: 'a/two.bin' }, { name: 'three.txt' }]),
      'zip',
    ],
  ] as const)('unpack a %s into a directory', async (_, archive, format) => {
    const request = { to: 'container:/in/', ...(format === undefined ? {} : { format }) };
    expect(await bring(request, archive)).toMatchObject({ result: 'Ok' });
    expect(planted('in')).toEqual(['in/a/one.txt', 'in/a/two.bin', 'in/three.txt']);
    expect(readFileSync(volume('in/a/one.txt'), 'utf8')).toBe('1');
  });

  it('keep what was brought for a batch no longer than that', async () => {
    for (const to of ['container:/a', 'container:/b']) {
      expect(await bring({ to }, Buffer.from('brought'))).toMatchObject({ result: 'Ok' });
      expect(existsSync(join(folder(), 'inputs'))).toBe(false);
    }
    expect(readFileSync(volume('b'), 'utf8')).toBe('brought');
  });

  it('unpack what `fileset` and `depth` choose', async () => {
    await bring({ to: 'container:/some/', fileset: [{ pattern: '**/*.txt' }] }, TREE);
    expect(planted('some')).toEqual(['some/a/one.txt', 'some/three.txt']);
    await bring({ to: 'container:/few/', fileset: ['*', { includes: ['a/*'], excludes: '**/*.bin' }] }, TREE);
    expect(planted('few')).toEqual(['few/a/one.txt', 'few/three.txt']);
    await bring({ to: 'container:/top/', depth: 1 }, TREE);
    expect(planted('top')).toEqual(['top/three.txt']);
  });

  it('write one plain file, an archive too, when no directory is named', async () => {
    await bring({ to: 'container:/kept.tar' }, TREE);
    expect(readFileSync(volume('kept.tar')).equals(TREE)).toBe(true);
    await bring({ to: 'container:/raw.tar', format: 'raw' }, TREE);
    expect(readFileSync(volume('raw.tar')).equals(TREE)).toBe(true);
  });

  it.each([
    [{ to: 'container:/in/' }, Buffer.from('no archive'), 'ERR_ARCHIVE_FORMAT'],
    [{ to: 'container:/in/' }, tarOf([{ name: '../x' }]), 'ERR_ARCHIVE_PATH'],
    [{ to: 'container:/in', format: 'zip' as const }, TREE, 'ERR_ARCHIVE_FORMAT'],
    [{ to: 'container:/../in/' }, TREE, 'ERR_PATH_INVALID'],
    [{ to: 'container:/file', depth: 1 }, TREE, 'ERR_EXE_UNIT_TRANSFER_UNSUPPORTED'],
  ])('refuse %o with a reason, and leave the volume as it was', async (request, content, code) => {
    const result = await bring(request, content);
    expect(result).toMatchObject({ result: 'Error', reason: { code } });
    expect(planted('.')).toEqual([]);
    expect(supervisor.state).toBe('Ready');
  });

  it.each([
    ['bytes of a file', { to: 'container:/file' }, Buffer.alloc(QUOTA - 99), 'disk', QUOTA, QUOTA + 1],
    [
      'bytes of an archive',
      { to: 'container:/in/' },
      tarOf([{ name: 'big', content: Buffer.alloc(QUOTA) }]),
      'disk',
      QUOTA,
      QUOTA + 100,
    ],
    ['files of an archive', { to: 'container:/in/' }, TREE, 'files', 12, 13],
  ] as const)(
    'end with the limit and its figures for too many %s',
    async (_, request, content, ...figures) => {
      const [limit, limitValue, observed] = figures;
      runtime.figures = { ...runtime.figures, diskBytes: 100, files: { count: 10, limit: 12 } };
      const result = await bring(request, content);
      const detail = { limit, limitValue, observed };
      expect(result).toMatchObject({ result: 'Error', reason: { code: 'LimitExceeded', detail } });
      expect(planted('.')).toEqual([]);
      expect(supervisor.state).toBe('Ready');
    },
  );

  it('bring no file into a volume that can have no other, and copy none', async () => {
    plant('a/file', 'x');
    runtime.figures = { ...runtime.figures, files: { count: 12, limit: 12 } };
    const detail = { limit: 'files', limitValue: 12, observed: 12 };
    for (const result of [
      await bring({ to: 'container:/file' }, Buffer.from('x')),
      await transfer({ from: 'container:/a/file', to: 'container:/b' }),
    ]) {
      expect(result.reason).toMatchObject({ code: 'LimitExceeded', detail });
    }
    const copied = await transfer({ from: 'container:/a', to: 'container:/c' });
    expect(copied.reason).toMatchObject({ code: 'LimitExceeded', detail: { ...detail, observed: 13 } });
    expect(await transfer({ from: 'container:/a', to: 'blob:' })).toMatchObject({ result: 'Ok' });
  });

  it.each([
    { from: 'blob:sha256:' + 'a'.repeat(64), to: 'blob:' },
    { from: 'https://a.example/', to: 'https://b.example/' },
    { from: 'https://a.example/', to: 'blob:' },
    { from: 'container:/x', to: `blob:sha256:${'a'.repeat(64)}` },
    { from: 'container:/x', to: `hash:sha256:${'a'.repeat(64)}:https://a.example/` },
    { from: 'blob:', to: 'container:/x' },
    { from: 'gftp://a/b', to: 'container:/x' },
    { from: 'https://a.example/', to: 'container:/x/', format: 'raw' },
    { from: 'container:/a', to: 'blob:', format: 'raw' },
  ] as Transfer[])('do not go from $from to $to', async (request) => {
    plant('a/file', 'x');
    expect((await transfer(request)).reason?.code).toBe('ERR_EXE_UNIT_TRANSFER_UNSUPPORTED');
  });

  it('pack a directory on the way out, the same bytes each time', async () => {
    plant('out/b/deep.txt', 'deep');
    plant('out/a.txt', 'a');
    const plain = await transfer({ from: 'container:/out', to: 'blob:' });
    const again = await transfer({ from: 'container:/out/', to: 'blob:', format: 'tar' });
    expect(again.blob).toEqual(plain.blob);
    const zipped = await transfer({ from: 'container:/out', to: 'blob:', format: 'tar.gz' });
    expect(gunzipSync(output(zipped)).equals(output(plain))).toBe(true);
    const chosen = await transfer({ from: 'container:/out', to: 'blob:', format: 'zip', fileset: ['*'] });
    await bring({ to: 'container:/back/' }, output(chosen));
    expect(planted('back')).toEqual(['back/a.txt']);
    expect(readdirSync(join(folder(), 'outputs')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('take no link along, and do not follow one', async () => {
    plant('out/file', 'x');
    symlinkSync('/etc', volume('out/etc'));
    for (const from of ['container:/out', 'container:/out/etc', 'container:/out/etc/passwd']) {
      const result = await transfer({ from, to: 'blob:' });
      expect(['ERR_ARCHIVE_ENTRY_TYPE', 'ERR_PATH_SYMLINK']).toContain(result.reason?.code);
    }
    expect((await transfer({ from: 'container:/nowhere', to: 'blob:' })).reason?.code).toBe(
      'ERR_PATH_NOT_FOUND',
    );
  });

  it('copy within the activity: files, trees, into archives and out of them', async () => {
    plant('from/a/x.txt', 'x');
    plant('from/y.bin', 'y');
    const copies: Transfer[] = [
      { from: 'container:/from/y.bin', to: 'container:/file/y2' },
      { from: 'container:/from/y.bin', to: 'container:/dir/' },
      { from: 'container:/from', to: 'container:/tree', fileset: ['**/*.txt'] },
      { from: 'container:/from', to: 'container:/packed.zip', format: 'zip' },
      { from: 'container:/packed.zip', to: 'container:/unpacked', format: 'zip' },
      { from: 'container:/', to: 'container:/all.tar', format: 'tar', depth: 1 },
    ];
    for (const request of copies) expect(await transfer(request)).toMatchObject({ result: 'Ok' });
    expect(planted('file')).toEqual(['file/y2']);
    expect(planted('dir')).toEqual(['dir/y.bin']);
    expect(planted('tree')).toEqual(['tree/a/x.txt']);
    expect(planted('unpacked')).toEqual(['unpacked/a/x.txt', 'unpacked/y.bin']);
    expect(readFileSync(volume('unpacked/y.bin'), 'utf8')).toBe('y');
    expect(statSync(volume('all.tar')).size).toBeGreaterThan(512);
    const into = await transfer({ from: 'container:/from', to: 'container:/from/again' });
    expect(into.reason?.code).toBe('ERR_ARCHIVE_PATH');
  });

  it('mean by a path what the program means by it, and refuse one that is nowhere in the volume', async () => {
    runtime.view = {
      workingDirectory: '/work',
      directories: [
        { guestPath: '/work', volumePath: '/work' },
        { guestPath: '/all', volumePath: '/' },
      ],
    };
    for (const to of ['container:/work/a', 'container:b', 'container:/all/c'])
      expect(await bring({ to }, Buffer.from('brought'))).toMatchObject({ result: 'Ok' });
    expect(await bring({ to: 'container:in/' }, TREE)).toMatchObject({ result: 'Ok' });
    expect(planted('.')).toEqual(
      [
        'c',
        'work/a',
        'work/b',
        ...['a/one.txt', 'a/two.bin', 'three.txt'].map((name) => `work/in/${name}`),
      ].sort(),
    );
    expect(output(await transfer({ from: 'container:/all/work/b', to: 'blob:' })).toString()).toBe('brought');
    plant('etc/x', 'of no path of the guest');
    const code = 'ERR_EXE_UNIT_NO_VOLUME';
    const outside: Transfer[] = [
      { from: 'container:/etc/x', to: 'blob:' },
      { from: 'container:/', to: 'blob:' },
      { from: 'container:/work/a', to: 'container:/etc/y' },
      { from: 'container:/etc/x', to: 'container:/work/y' },
      // Not even asked for.
      { from: `blob:sha256:${'a'.repeat(64)}`, to: 'container:/etc/x' },
    ];
    for (const request of outside)
      expect(await transfer(request)).toMatchObject({ result: 'Error', reason: { code } });
  });

  const URL = `https://files.example/x.tar.gz#sha256:${'a'.repeat(64)}`;
  const waits = async (type: 'fetch' | 'deliver', batchId: string) =>
    ofType(await until((record) => record.type === type && record.batchId === batchId), type).at(-1)!;

  it('have the daemon fetch a URL, and take what it brings', async () => {
    const batchId = await begin({ from: URL, to: 'container:/in/' });
    expect(await waits('fetch', batchId)).toMatchObject({ index: 0, url: URL, maxBytes: QUOTA });
    const { path, hash } = hostFile(gzipSync(TREE));
    const wrong: NeedAnswer = { path, hash: `sha256:${'0'.repeat(64)}` };
    await expect(supervisor.answer(batchId, 0, wrong)).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_HASH_MISMATCH',
    });
    await supervisor.answer(batchId, 0, { path, hash });
    expect(await resultOf(batchId)).toMatchObject({ result: 'Ok' });
    expect(planted('in')).toHaveLength(3);
    await supervisor.answer(batchId, 0, { path, hash });
  });

  it('have the daemon deliver an output', async () => {
    plant('result', 'the result');
    const batchId = await begin({ from: 'container:/result', to: 'https://files.example/put' });
    const { hash } = hostFile(Buffer.from('the result'));
    expect(await waits('deliver', batchId)).toMatchObject({
      url: 'https://files.example/put',
      hash,
      sizeBytes: 10,
    });
    await supervisor.answer(batchId, 0, { delivered: true });
    expect(await resultOf(batchId)).toMatchObject({ result: 'Ok', blob: { hash, sizeBytes: 10 } });
  });

  it('fail with the reason that the daemon gives', async () => {
    plant('result', 'x');
    const reason = { code: 'ERR_TRANSFER_HTTP_STATUS', message: 'status 404', detail: { status: 404 } };
    for (const request of [
      { from: URL, to: 'container:/in/' },
      { from: 'container:/result', to: 'https://files.example/put' },
    ]) {
      const batchId = await begin(request);
      await waits(request.from === URL ? 'fetch' : 'deliver', batchId);
      await supervisor.answer(batchId, 0, { error: reason });
      expect(await resultOf(batchId)).toMatchObject({ result: 'Error', reason });
    }
  });

  it('are canceled while they wait', async () => {
    const batchId = await begin({ from: URL, to: 'container:/in/' });
    await waits('fetch', batchId);
    await supervisor.cancel(batchId);
    expect(await resultOf(batchId)).toMatchObject({ result: 'Error', reason: { code: 'Canceled' } });
    expect(await transfer({ from: 'container:/nowhere', to: 'blob:' })).toMatchObject({ result: 'Error' });
  });

  it('note how far they are, but not more often than asked for', async () => {
    const batchId = await begin({ from: URL, to: 'container:/in/', progress: { updateIntervalMs: 5_000 } });
    await waits('fetch', batchId);
    for (let done = 0; done <= 20; done += 1) {
      await supervisor.report(batchId, 0, { done, total: 20, message: 'fetching' });
      await clock.advance(1000);
    }
    await supervisor.report('other', 0, { done: 7, message: 'fetching' });
    const progress = ofType(await records(), 'progress');
    expect(progress.map(({ done, total, message }) => [done, total, message])).toEqual([
      [4, 20, 'fetching'],
      [9, 20, 'fetching'],
      [14, 20, 'fetching'],
      [19, 20, 'fetching'],
    ]);
    await supervisor.cancel(batchId);
    await resultOf(batchId);
    await supervisor.report(batchId, 0, { done: 21, message: 'fetching' });
    expect(ofType(await records(), 'progress')).toHaveLength(4);
  });
});
