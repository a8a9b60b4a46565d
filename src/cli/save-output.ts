import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../util/error-message.ts';
import { makeDirectory } from '../util/files.ts';
import type { ApiClient } from './client.ts';
import { CliError } from './errors.ts';

/** Downloads a blob to a file, which is whole or not there. */
export async function saveBlob(client: ApiClient, hash: string, path: string): Promise<void> {
  const answer = await client.request('GET', `/v1/blobs/${hash}`);
  await saveFile(answer.body ?? [], path, hash.slice(-12));
}

/** Bytes to a file, which is whole or not there; `tag` tells it from others on their way to the same name. */
export async function saveFile(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  path: string,
  tag: string,
): Promise<void> {
  const partial = join(dirname(path), `.${basename(path)}.${tag}.part`);
  try {
    await makeDirectory(dirname(path));
    await pipeline(Readable.from(bytes), createWriteStream(partial));
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    const why = errorMessage(cause);
    throw new CliError('ERR_CLI_FILE', `${path} cannot be written: ${why}`, { path }, { cause });
  }
}
