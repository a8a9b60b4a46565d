import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { sha256 } from '../../../src/util/sha256.ts';
import { ArchiveError } from './archive-error.ts';
import { exhaust } from './byte-source.ts';
import { decompressed, readDecompressed } from './decompress.ts';
import type { Survey } from './survey.ts';
import { BLOCK, makeHeader, paddingOf } from './tar-header.ts';
import { readTar } from './tar.ts';

/** Go's names of Node's architectures. */
export const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** An archive for the engine to load, and the image that it will then have. */
export interface Repacked {
  /** As the engine derives it: the hash of the configuration. */
  readonly imageId: string;
  /** An archive as `docker save` writes it, of this one image under this one name. */
  readonly archive: AsyncGenerator<Uint8Array>;
}

/**
 * Writes the archive anew, of what the survey has found in it. The engine sees no name, no link and no tag of the
 * stranger's: a name in an archive would otherwise take over the same name of the host's own images.
 */
export function repack(file: string, found: Survey, name: string, maxBytes: number): Repacked {
  const config = found.kind === 'saved' ? found.config : rootConfig(found.sha256);
  const imageId = sha256(config).toString('hex');
  return { imageId: `sha256:${imageId}`, archive: write(file, found, config, imageId, name, maxBytes) };
}

async function* write(
  file: string,
  found: Survey,
  config: Buffer,
  imageId: string,
  name: string,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const configName = `${imageId}.json`;
  yield* entry(configName, config.length, [config]);
  const layers = found.kind === 'saved' ? found.layers : ['root'];
  if (found.kind === 'saved') yield* savedLayers(file, found.layers, maxBytes);
  else yield* entry(layerName(0), found.sizeBytes, readDecompressed(file));
  const manifest = JSON.stringify([
    { Config: configName, RepoTags: [name], Layers: layers.map((layer) => layerName(layers.indexOf(layer))) },
  ]);
  yield* entry('manifest.json', Buffer.byteLength(manifest), [Buffer.from(manifest)]);
  yield Buffer.alloc(2 * BLOCK);
}

async function* savedLayers(
  file: string,
  layers: readonly string[],
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const budget = { bytes: maxBytes };
  const chunks = readDecompressed(file);
  try {
    for await (const { name, type, size, body } of readTar(chunks)) {
      const index = layers.indexOf(name);
      if (index >= 0 && type === 'file') yield* entry(layerName(index), size, inspected(body, budget));
    }
  } finally {
    await chunks.return(undefined);
  }
}

async function* entry(
  name: string,
  size: number,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield makeHeader(name, size);
  yield* body;
  yield Buffer.alloc(paddingOf(size));
}

function layerName(index: number): string {
  return `layer-${index}.tar`;
}

/** Hands a layer through, and looks into it: what it unpacks to counts, not what it takes packed. */
async function* inspected(
  body: AsyncIterable<Uint8Array>,
  budget: { bytes: number },
): AsyncGenerator<Uint8Array> {
  const copy = new PassThrough();
  copy.on('error', () => undefined);
  const counting = spend(copy, budget);
  // It is awaited below; until then its failure is no unhandled one.
  counting.catch(() => undefined);
  try {
    for await (const chunk of body) {
      if (!copy.write(chunk)) await Promise.race([once(copy, 'drain'), counting]);
      yield chunk;
    }
    copy.end();
    await counting;
  } finally {
    copy.destroy();
  }
}

async function spend(layer: AsyncIterable<Uint8Array>, budget: { bytes: number }): Promise<void> {
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of decompressed(layer)) {
      budget.bytes -= chunk.length;
      if (budget.bytes < 0) throw new ArchiveError('its layers unpack to more than an image may have');
      yield chunk;
    }
  };
  const chunks = counted();
  for await (const { body } of readTar(chunks)) await exhaust(body);
  await exhaust(chunks);
}

/** The configuration of a bare root file system: always the same for the same files. */
function rootConfig(sha256: string): Buffer {
  const created = '1970-01-01T00:00:00Z';
  return Buffer.from(
    JSON.stringify({
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: 'linux',
      created,
      config: {},
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256}`] },
      history: [{ created, comment: 'root file system' }],
    }),
  );
}
