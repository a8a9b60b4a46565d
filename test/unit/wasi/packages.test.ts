import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { isErgonError } from '../../../src/interface/errors.ts';
import type { DeploySpec } from '../../../src/interface/exe-unit-runtime.ts';
import { zipOf, type ZipItem } from '../../support/archives.ts';
import { moduleOf } from './modules.ts';
import { BEHAVE, groupsNamed, WasiActivity } from './wasi-activity.ts';

const DIRS = fileURLToPath(new URL('../../fixtures/wasi/dirs.wasm', import.meta.url));
const activities: WasiActivity[] = [];
afterEach(async () => {
  for (const activity of activities.splice(0)) await activity.end();
});

const MANIFEST = {
  id: 'tools',
  name: 'tools',
  main: 'behave',
  'entry-points': [
    { id: 'dirs', 'wasm-path': 'bin/dirs.wasm' },
    { id: 'behave', 'wasm-path': 'bin/behave.wasm' },
  ],
  'mount-points': [{ ro: 'in' }, { rw: 'out' }],
  'work-dir': 'out',
};

function packageOf(manifest: object, more: readonly ZipItem[] = []): Buffer {
  return zipOf([
    { name: 'manifest.json', content: JSON.stringify(manifest) },
    { name: 'bin/behave.wasm', content: fs.readFileSync(BEHAVE) },
    { name: 'bin/dirs.wasm', content: fs.readFileSync(DIRS) },
    ...more,
  ]);
}

function deployed(program: Uint8Array, more: Partial<DeploySpec> = {}): Promise<WasiActivity> {
  const activity = new WasiActivity();
  activities.push(activity);
  return activity.deploy(program, more);
}

describe('a package with a manifest', () => {
  it('runs the program that is asked for, and its main one', async () => {
    const activity = await deployed(packageOf(MANIFEST));
    const { stdout } = await activity.command({ entryPoint: 'behave', args: ['echo', 'hi'] });
    expect(stdout).toBe('hi\n');
    expect((await activity.command({ entryPoint: 'main', args: ['exit', '3'] })).exit).toMatchObject({
      code: 3,
    });
    const other = await activity.command({ entryPoint: 'dirs' });
    expect({ ...other.exit, about: other.stdout }).toMatchObject({
      kind: 'exited',
      about: expect.stringContaining('/in'),
    });
    // And back: the runner of the other program is not taken for this one.
    expect((await activity.command({ entryPoint: 'behave', args: ['echo', 'again'] })).stdout).toBe(
      'again\n',
    );
  });

  it('knows no other program', async () => {
    const activity = await deployed(packageOf(MANIFEST));
    const error: unknown = await activity
      .command({ entryPoint: 'bin/dirs.wasm' })
      .catch((thrown: unknown) => thrown);
    expect(isErgonError(error) && error.code).toBe('ERR_RUNTIME_PROGRAM');
    expect((error as Error).message).toContain('it has behave, dirs');
    expect((await activity.command({ entryPoint: 'behave', args: ['exit', '0'] })).exit).toMatchObject({
      code: 0,
    });
  });

  it('shows a program what it mounts: to read, to write, and to work in', async () => {
    const activity = await deployed(packageOf(MANIFEST));
    const volumes = activity.runtime.volumeRoot(activity.handle);
    fs.writeFileSync(path.join(volumes, 'in/file'), 'from outside');
    fs.writeFileSync(path.join(volumes, 'not-mounted'), 'secret');
    const behave = (...args: string[]) => activity.command({ entryPoint: 'behave', args });
    expect((await behave('read-file', '/in/file')).stdout).toBe('from outside');
    expect((await behave('write-file', '/in/new', 'x')).exit).not.toMatchObject({ code: 0 });
    expect((await behave('read-file', '/not-mounted')).exit).not.toMatchObject({ code: 0 });
    expect((await behave('write-file', '/out/new', 'x')).exit).toMatchObject({ code: 0 });
    expect((await behave('write-file', 'relative', 'y')).exit).toMatchObject({ code: 0 });
    expect(fs.readFileSync(path.join(volumes, 'out/relative'), 'utf8')).toBe('y');
  });

  it('shows it what the deployment asks for besides, and transfers nothing else', async () => {
    const activity = await deployed(packageOf(MANIFEST), { volumes: ['/data/', '/in'] });
    const behave = (...args: string[]) => activity.command({ entryPoint: 'behave', args });
    expect((await behave('write-file', '/data/new', 'x')).exit).toMatchObject({ code: 0 });
    expect((await behave('write-file', '/in/new', 'x')).exit).not.toMatchObject({ code: 0 });
    const same = (guestPath: string) => ({ guestPath, volumePath: guestPath });
    expect(await activity.runtime.guestView(activity.handle)).toEqual({
      workingDirectory: '/out',
      directories: ['/in', '/out', '/data'].map(same),
    });
  });

  it('leaves nothing unpacked behind', async () => {
    const activity = await deployed(packageOf(MANIFEST, [{ name: 'big.txt', content: 'x'.repeat(100_000) }]));
    expect(fs.readdirSync(path.join(activity.workDir, 'runtime')).sort()).toEqual(['module', 'process.json']);
  });
});

describe('a package that is refused', () => {
  const point = (wasmPath: string): object => ({
    ...MANIFEST,
    main: undefined,
    'entry-points': [{ id: 'a', 'wasm-path': wasmPath }],
  });
  it.each<[string, Buffer, string]>([
    ['without a manifest', zipOf([{ name: 'a.wasm', content: moduleOf() }]), 'without manifest.json'],
    ['with a manifest that is none', zipOf([{ name: 'manifest.json', content: '{}' }]), '/id'],
    ['whose module is not there', packageOf(point('gone.wasm')), 'no file gone.wasm'],
    ['whose module is a directory', packageOf(point('bin')), 'no file bin'],
    [
      'whose module is text',
      packageOf(point('t'), [{ name: 't', content: 'text' }]),
      'not a WebAssembly module',
    ],
    [
      'with one bad module among good ones',
      packageOf(
        { ...MANIFEST, 'entry-points': [...MANIFEST['entry-points'], { id: 't', 'wasm-path': 't' }] },
        [{ name: 't', content: 'text' }],
      ),
      'not a WebAssembly module',
    ],
    ['that leads outside', packageOf(MANIFEST, [{ name: '../evil', content: 'x' }]), 'ERR_ARCHIVE_PATH'],
    [
      'with a link',
      packageOf(MANIFEST, [{ name: 'link', content: '/etc/passwd', mode: 0o120777 }]),
      'ERR_ARCHIVE_ENTRY_TYPE',
    ],
    [
      'that is a bomb',
      packageOf(MANIFEST, [{ name: 'bomb', content: Buffer.alloc(64 << 20) }]),
      'ERR_ARCHIVE_RATIO',
    ],
    ['that is cut short', packageOf(MANIFEST).subarray(0, 5000), 'ERR_ARCHIVE'],
    ['that is only the beginning of one', Buffer.from('PK\u0003\u0004'), 'ERR_ARCHIVE'],
  ])('%s', async (_, archive, message) => {
    const error: unknown = await deployed(archive).catch((thrown: unknown) => thrown);
    expect(isErgonError(error) && error.code).toBe('ERR_RUNTIME_PACKAGE');
    expect((error as Error).message).toContain(message);
    const [activity] = activities;
    expect(fs.existsSync(path.join(activity!.workDir, 'runtime/package'))).toBe(false);
    expect(groupsNamed(activity!.activityId)).toEqual([]);
  });
});
