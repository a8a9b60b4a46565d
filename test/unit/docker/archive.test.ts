import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { repack } from '../../../runtimes/docker/image/repack.ts';
import { survey } from '../../../runtimes/docker/image/survey.ts';
import { readTar } from '../../../runtimes/docker/image/tar.ts';
import { collect } from '../../../runtimes/docker/image/byte-source.ts';
import { tarOf, type TarFile } from '../../support/tar.ts';
import { fileOf, savedImage, sha256 } from './images.ts';

const MAX = 1 << 20;
const root = tarOf([
  { name: './bin/', type: '5' },
  { name: './bin/true', body: Buffer.from('program') },
]);

async function repacked(archive: Uint8Array, maxBytes = MAX): Promise<{ name: string; text: string }[]> {
  const file = fileOf(archive);
  const { archive: output } = repack(file, await survey(file, maxBytes), 'ours:tag', maxBytes);
  const bytes = await collect(output);
  const entries = [];
  for await (const { name, body } of readTar(chunksOf(bytes, 1000))) {
    entries.push({ name, text: (await collect(body)).toString('latin1') });
  }
  return entries;
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A pax header before an entry. */
function pax(records: Record<string, string>): TarFile {
  const body = Object.entries(records)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      const length = rest.length + 2;
      return `${length}${rest}`;
    })
    .join('');
  return { name: 'pax', type: 'x', body: Buffer.from(body) };
}

describe('an image archive', () => {
  it('is told from a root file system, compressed or not', async () => {
    expect(await survey(fileOf(savedImage()), MAX)).toMatchObject({ kind: 'saved', layers: ['0/layer.tar'] });
    for (const packed of [root, gzipSync(root), zstdCompressSync(root)]) {
      expect(await survey(fileOf(packed), MAX)).toEqual({
        kind: 'root',
        sha256: sha256(root),
        sizeBytes: root.length,
      });
    }
    const withManifest = tarOf([{ name: 'manifest.json', body: Buffer.from('{"name":"some web app"}') }]);
    expect(await survey(fileOf(withManifest), MAX)).toMatchObject({ kind: 'root' });
  });

  it('is written anew with none of its names, links and tags', async () => {
    const layer = tarOf([{ name: 'file', body: Buffer.from('x') }]);
    const entries = await repacked(
      savedImage({
        layers: [layer, gzipSync(layer)],
        more: [
          { name: '../../etc/passwd', body: Buffer.from('evil') },
          { name: 'repositories', body: Buffer.from('{"victim":{"latest":"0"}}') },
          { name: 'link', type: '2', link: '/etc' },
        ],
      }),
    );
    expect(entries.map(({ name }) => name)).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}\.json$/),
      'layer-0.tar',
      'layer-1.tar',
      'manifest.json',
    ]);
    expect(JSON.parse(entries[3]!.text)).toEqual([
      { Config: entries[0]!.name, RepoTags: ['ours:tag'], Layers: ['layer-0.tar', 'layer-1.tar'] },
    ]);
    expect(entries[1]!.text).toBe(layer.toString('latin1'));
  });

  it('is one image with one layer when it is a root file system, always the same', async () => {
    const entries = await repacked(gzipSync(root));
    expect(entries).toHaveLength(3);
    expect(entries[1]!.text).toBe(root.toString('latin1'));
    expect(JSON.parse(entries[0]!.text)).toMatchObject({ rootfs: { diff_ids: [`sha256:${sha256(root)}`] } });
    expect(await repacked(root)).toEqual(entries);
  });

  it('may save a shared layer once, with links to it', async () => {
    const layer = tarOf([{ name: 'file', body: Buffer.from('x') }]);
    const manifest = [{ Config: 'config.json', Layers: ['0/layer.tar', 'other/layer.tar'] }];
    const more = [{ name: 'other/layer.tar', type: '2', link: '../0/layer.tar' }];
    const diff_ids = [sha256(layer), sha256(layer)].map((hash) => `sha256:${hash}`);
    const entries = await repacked(
      savedImage({ layers: [layer], manifest, more, config: { rootfs: { diff_ids } } }),
    );
    expect(JSON.parse(entries.at(-1)!.text)[0].Layers).toEqual(['layer-0.tar', 'layer-0.tar']);
  });

  const zeros = Buffer.alloc(4 << 20);
  const bombs: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['is none', Buffer.from('no archive at all'), /breaks off/],
    ['is random', Buffer.alloc(2048, 7), /no tar archive/],
    ['is empty', Buffer.alloc(1024), /nothing in it/],
    ['breaks off', root.subarray(0, 700), /breaks off/],
    ['is a damaged gzip', gzipSync(root).subarray(0, 60), /damaged/],
    ['is bzip2', Buffer.from('BZh91AY&SY'), /only gzip and zstd/],
    ['unpacks to too much', gzipSync(tarOf([{ name: 'zeros', body: zeros }])), /more than/],
    [
      'has a layer that does',
      savedImage({ layers: [gzipSync(tarOf([{ name: 'z', body: zeros }]))] }),
      /unpack to more/,
    ],
    ['has a layer that is none', savedImage({ layers: [Buffer.from('junk')] }), /breaks off/],
    [
      'has a layer with a tail',
      savedImage({ layers: [gzipSync(Buffer.concat([tarOf([]), zeros]))] }),
      /unpack to more/,
    ],
    ['has a sparse file', tarOf([{ name: 'sparse', type: 'S' }]), /kind that is not allowed/],
    ['has a sparse file by pax', tarOf([pax({ 'GNU.sparse.major': '1' }), { name: 'f' }]), /sparse/],
    ['claims a huge file', tarOf([{ name: 'huge', size: 1e9 }]), /breaks off/],
    ['claims a huge file by pax', tarOf([pax({ size: '99999999999' }), { name: 'f' }]), /breaks off/],
    ['has an endless name', tarOf([{ name: 'L', type: 'L', size: 2 << 20 }]), /too long/],
    [
      'has two images',
      savedImage({ manifest: [1, 2].map(() => ({ Config: 'config.json', Layers: [] })) }),
      /more than one/,
    ],
    ['lacks its configuration', savedImage({ manifest: [{ Config: 'nowhere', Layers: [] }] }), /not there/],
    [
      'lacks a layer',
      savedImage({ manifest: [{ Config: 'config.json', Layers: ['nowhere'] }] }),
      /not there/,
    ],
    [
      'has links that go round',
      savedImage({
        manifest: [{ Config: 'a', Layers: [] }],
        more: [
          { name: 'a', type: '2', link: 'b' },
          { name: 'b', type: '2', link: 'a' },
        ],
      }),
      /not there/,
    ],
    ['disagrees with itself', savedImage({ config: { rootfs: { diff_ids: [] } } }), /disagree/],
    ['has some other configuration', savedImage({ config: { rootfs: 1 } }), /none of an image/],
  ];
  for (const [why, archive, message] of bombs) {
    it(`is refused when it ${why}`, async () => {
      await expect(repacked(archive)).rejects.toThrow(message);
    });
  }

  it('never throws anything but its own error, whatever the bytes', async () => {
    const base = savedImage();
    await fc.assert(
      fc.asyncProperty(fc.nat(base.length - 1), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
        const damaged = Buffer.from(base);
        damaged[at] = byte;
        await repacked(damaged).catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'ArchiveError' });
        });
      }),
      { numRuns: 200 },
    );
  });
});
