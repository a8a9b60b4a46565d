import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../../runtimes/wasi/package/manifest.ts';
import { preopensOf } from '../../../runtimes/wasi/package/preopens.ts';
import { RuntimeError } from '../../../runtimes/errors.ts';

const manifest = (more: object): string =>
  JSON.stringify({ id: 'id', name: 'name', 'entry-points': [{ id: 'a', 'wasm-path': 'a.wasm' }], ...more });
const parse = (more: object) => parseManifest(manifest(more));

describe('a manifest', () => {
  it('of Yagna’s tutorial', () => {
    const parsed = parse({
      'entry-points': [{ id: 'rust-wasi-tutorial', 'wasm-path': 'rust-wasi-tutorial.wasm' }],
      'mount-points': [{ rw: 'input' }, { rw: 'output' }],
    });
    expect(parsed).toEqual({
      name: 'name',
      entryPoints: [{ id: 'rust-wasi-tutorial', wasmPath: 'rust-wasi-tutorial.wasm' }],
      mountPoints: [
        { guestPath: '/input', readOnly: false },
        { guestPath: '/output', readOnly: false },
      ],
    });
  });

  it('puts first what is run when nothing else is asked for', () => {
    const two = [
      { id: 'a', 'wasm-path': 'a.wasm' },
      { id: 'b', 'wasm-path': 'bin/b.wasm' },
    ];
    const idsOf = (more: object): string[] =>
      parse({ 'entry-points': two, ...more }).entryPoints.map(({ id }) => id);
    expect(idsOf({})).toEqual(['a', 'b']);
    expect(idsOf({ main: 'b' })).toEqual(['b', 'a']);
    expect(idsOf({ main: { id: 'c', 'wasm-path': 'c.wasm' } })).toEqual(['c', 'a', 'b']);
    expect(idsOf({ main: two[1] })).toEqual(['b', 'a']);
  });

  it.each<[string, string, string]>([
    ['no JSON', '{', 'JSON'],
    ['another shape', '[]', 'manifest.json'],
    ['no name', '{"id":"x"}', '/name'],
    ['no entry point', manifest({ 'entry-points': [] }), 'names no entry point'],
    ['a main one that is not there', manifest({ main: 'z' }), 'names no entry point'],
    [
      'two of one id',
      manifest({
        'entry-points': [
          { id: 'a', 'wasm-path': 'a' },
          { id: 'a', 'wasm-path': 'b' },
        ],
      }),
      'more than one entry point a',
    ],
    [
      'a module outside',
      manifest({ 'entry-points': [{ id: 'a', 'wasm-path': '../a.wasm' }] }),
      'leads nowhere',
    ],
    ['a mount outside', manifest({ 'mount-points': [{ rw: 'a/../../b' }] }), 'leads nowhere'],
    ['a mount of the root', manifest({ 'mount-points': [{ rw: '/' }] }), 'leads nowhere'],
    ['a mount with a backslash', manifest({ 'mount-points': [{ rw: 'a\\b' }] }), 'leads nowhere'],
    ['a mount of no known kind', manifest({ 'mount-points': [{ rwx: 'a' }] }), 'mount-points'],
    ['a mount of two kinds', manifest({ 'mount-points': [{ rw: 'a', ro: 'b' }] }), 'mount-points'],
    ['a mount twice', manifest({ 'mount-points': [{ rw: 'a' }, { ro: '/a' }] }), 'mounts /a more than once'],
    ['a working directory outside', manifest({ 'work-dir': '..' }), 'leads nowhere'],
  ])('is refused: %s', (_, text, message) => {
    expect(() => parseManifest(text)).toThrow(RuntimeError);
    expect(() => parseManifest(text)).toThrow(message);
  });

  it('leads nowhere but below the activity, whatever stands in it', () => {
    const path = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom('..', '.', 'a', '', 'b')).map((parts) => parts.join('/')),
    );
    fc.assert(
      fc.property(path, path, path, (wasmPath, mount, workDir) => {
        const text = manifest({
          'entry-points': [{ id: 'a', 'wasm-path': wasmPath }],
          'mount-points': [{ ro: mount }],
          'work-dir': workDir,
        });
        let parsed;
        try {
          parsed = parseManifest(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RuntimeError);
          return;
        }
        const paths = [
          ...preopensOf(parsed, '/v').map(({ beneath = '' }) => beneath),
          parsed.entryPoints[0]!.wasmPath,
        ];
        for (const found of paths) expect(found.split('/')).not.toEqual(expect.arrayContaining(['..']));
      }),
    );
  });
});

describe('what a program sees', () => {
  it('is everything, unless its package says otherwise', () => {
    expect(preopensOf({}, '/v')).toEqual([{ hostPath: '/v', beneath: '/', guestPath: '/', readOnly: false }]);
  });

  it('is just what is mounted, and its working directory as the mount that it is in', () => {
    const { mountPoints, workDir } = parse({
      'mount-points': [{ ro: 'data' }, { rw: 'data/out' }],
      'work-dir': '/data/out/deep',
    });
    expect(preopensOf({ mountPoints, ...(workDir === undefined ? {} : { workDir }) }, '/v')).toEqual([
      { hostPath: '/v', beneath: '/data', guestPath: '/data', readOnly: true },
      { hostPath: '/v', beneath: '/data/out', guestPath: '/data/out', readOnly: false },
      { hostPath: '/v', beneath: '/data/out/deep', guestPath: '.', readOnly: false },
    ]);
  });
});
