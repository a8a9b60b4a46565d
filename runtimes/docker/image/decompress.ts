import { createReadStream } from 'node:fs';
import { Readable, type Duplex } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { errorCode } from '../../../src/util/error-code.ts';
import { ArchiveError } from './archive-error.ts';

type Compression = 'none' | 'gzip' | 'zstd';

/** Longest of the magic numbers. */
const MAGIC_BYTES = 6;
const MAGICS: readonly (readonly [string, Compression | undefined])[] = [
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
  // What it unpacks to cannot be counted here before the engine unpacks it.
  ['425a68', undefined],
  ['fd377a585a00', undefined],
];

/** @throws ArchiveError for a compression that we do not know how to look into */
function compressionOf(start: Buffer): Compression {
  const hex = start.toString('hex');
  const known = MAGICS.find(([magic]) => hex.startsWith(magic));
  if (known === undefined) return 'none';
  if (known[1] === undefined) throw new ArchiveError('only gzip and zstd are known as compression');
  return known[1];
}

/** The file's bytes, uncompressed. */
export async function* readDecompressed(file: string): AsyncGenerator<Uint8Array> {
  yield* decompressed(createReadStream(file));
}

/** The chunks' bytes, uncompressed. */
export async function* decompressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  const whole = Readable.from(
    (async function* () {
      yield start;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value;
    })(),
  );
  yield* expand(whole, compressionOf(start));
}

async function* expand(source: Readable, compression: Compression): AsyncGenerator<Uint8Array> {
  const output = compression === 'none' ? source : through(source, decompressorOf(compression));
  try {
    for await (const chunk of output) if (chunk instanceof Uint8Array) yield chunk;
  } catch (error) {
    throw isZlibError(error) ? new ArchiveError('its compressed data is damaged') : error;
  } finally {
    source.destroy();
    output.destroy();
  }
}

function through(source: Readable, decompressor: Duplex): Readable {
  source.on('error', (error) => decompressor.destroy(error));
  return source.pipe(decompressor);
}

function decompressorOf(compression: 'gzip' | 'zstd'): Duplex {
  return compression === 'gzip' ? createGunzip() : createZstdDecompress();
}

function isZlibError(error: unknown): boolean {
  return /^(Z_|ZSTD_)/.test(errorCode(error) ?? '');
}
