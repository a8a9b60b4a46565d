import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { problems } from '../../../src/util/check.ts';
import { ArchiveError } from './archive-error.ts';
import { collect, exhaust } from './byte-source.ts';
import { readDecompressed } from './decompress.ts';
import { readTar, type TarEntry } from './tar.ts';

/** Larger files are no manifest and no image's configuration. */
const MAX_JSON_BYTES = 1 << 20;
const MAX_KEPT_BYTES = 16 << 20;
/** A saved image has two or three entries for each layer; a root file system with more is none. */
const MAX_KEPT_ENTRIES = 10_000;
/** The most layers that the engine can stack. */
const MAX_LAYERS = 125;
const MAX_LINKS = 8;
const MANIFEST = 'manifest.json';

const Manifest = Type.Array(
  Type.Object({
    Config: Type.String({ maxLength: 512 }),
    Layers: Type.Array(Type.String({ maxLength: 512 }), { maxItems: MAX_LAYERS }),
  }),
  { minItems: 1, maxItems: 1 },
);

const ImageConfig = Type.Object({
  os: Type.Optional(Type.String()),
  architecture: Type.Optional(Type.String()),
  rootfs: Type.Object({ diff_ids: Type.Array(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })) }),
});
export type ImageConfig = Static<typeof ImageConfig>;

/** What an archive is: an image as `docker save` writes it, or a root file system as `docker import` takes it. */
export type Survey =
  | {
      readonly kind: 'saved';
      /** The configuration, byte for byte: its hash is the image's id. */
      readonly config: Buffer;
      /** Names of the layers' entries in the archive, from the lowest up. */
      readonly layers: readonly string[];
      readonly platform: Pick<ImageConfig, 'os' | 'architecture'>;
    }
  | {
      readonly kind: 'root';
      /** The SHA-256 of the archive once it is decompressed. */
      readonly sha256: string;
      readonly sizeBytes: number;
    };

/**
 * Reads an archive once, from beginning to end, and believes nothing of it.
 * @throws ArchiveError saying why it is no image
 */
export async function survey(file: string, maxBytes: number): Promise<Survey> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of readDecompressed(file)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw new ArchiveError(`it unpacks to more than ${maxBytes} bytes`);
      yield chunk;
    }
  };
  const contents = await listContents(counted());
  const manifest = contents.small.get(MANIFEST);
  const saved = manifest === undefined ? undefined : asSaved(manifest, contents);
  return saved ?? { kind: 'root', sha256: hash.digest('hex'), sizeBytes };
}

interface Contents {
  readonly entries: Map<string, Pick<TarEntry, 'type' | 'link' | 'size'>>;
  readonly small: Map<string, Buffer>;
}

async function listContents(chunks: AsyncGenerator<Uint8Array>): Promise<Contents> {
  const contents: Contents = { entries: new Map(), small: new Map() };
  let kept = 0;
  let count = 0;
  try {
    for await (const { name, type, link, size, body } of readTar(chunks)) {
      count += 1;
      if (count > MAX_KEPT_ENTRIES) continue;
      contents.entries.set(name, { type, link, size });
      if (type !== 'file' || size > MAX_JSON_BYTES || kept + size > MAX_KEPT_BYTES) continue;
      const bytes = await collect(body);
      if (!isJson(bytes)) continue;
      kept += size;
      contents.small.set(name, bytes);
    }
    // Behind the archive's end come zeros, which are part of its hash.
    await exhaust(chunks);
  } finally {
    await chunks.return(undefined);
  }
  if (count === 0) throw new ArchiveError('there is nothing in it');
  return contents;
}

function isJson(bytes: Buffer): boolean {
  return bytes[0] === 0x7b || bytes[0] === 0x5b;
}

/** Undefined when the manifest is some other file of that name: then this is a root file system. */
function asSaved(manifest: Buffer, contents: Contents): Survey | undefined {
  const parsed = parseJson(manifest);
  if (problems(Manifest, parsed).length > 0) {
    if (Array.isArray(parsed) && parsed.length > 1)
      throw new ArchiveError('it has more than one image in it');
    return undefined;
  }
  const [image] = parsed as Static<typeof Manifest>;
  if (image === undefined) return undefined;
  const config = contents.small.get(resolve(image.Config, contents));
  if (config === undefined) throw new ArchiveError(`its manifest names ${image.Config}, which is not there`);
  const checked = parseJson(config);
  if (problems(ImageConfig, checked).length > 0)
    throw new ArchiveError('its configuration is none of an image');
  const { os, architecture, rootfs } = checked as ImageConfig;
  if (rootfs.diff_ids.length !== image.Layers.length) {
    throw new ArchiveError('its configuration and its manifest disagree on the layers');
  }
  const platform = {
    ...(os === undefined ? {} : { os }),
    ...(architecture === undefined ? {} : { architecture }),
  };
  return { kind: 'saved', config, layers: image.Layers.map((layer) => resolve(layer, contents)), platform };
}

/** A layer that two images share is saved once, with links to it. */
function resolve(name: string, { entries }: Contents): string {
  let at = name;
  for (let hop = 0; hop < MAX_LINKS; hop += 1) {
    const entry = entries.get(at);
    if (entry?.type === 'file') return at;
    if (entry?.type === 'symlink') at = join(at, entry.link);
    else if (entry?.type === 'link') at = join('', entry.link);
    else break;
  }
  throw new ArchiveError(`its manifest names ${name.slice(0, 200)}, which is not there`);
}

function join(from: string, link: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of link.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
