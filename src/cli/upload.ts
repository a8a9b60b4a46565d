import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { Static } from 'typebox';
import { errorMessage } from '../util/error-message.ts';
import { CliError } from './errors.ts';
import type { Session } from './session.ts';
import { BlobView } from './views.ts';

type Uploaded = Static<typeof BlobView>;

/** Sends a file to the own node, which stores the same bytes once. */
export async function uploadFile(
  session: Session,
  path: string,
  kind: 'packages' | 'blobs',
  name = basename(path).slice(0, 128),
): Promise<Uploaded> {
  const client = await session.client();
  const content = await fileBlob(path);
  return client.upload(`/v1/${kind}`, content, BlobView, kind === 'packages' ? { name } : {});
}

/** The task package: a file, or an image that it names; never both. */
export async function addPackage(
  session: Session,
  file: string | undefined,
  image: string | undefined,
  name?: string,
): Promise<Uploaded> {
  if ((file === undefined) === (image === undefined)) {
    throw new CliError('ERR_CLI_ARGUMENT', 'Name either a file or, with --image, an image', { file, image });
  }
  if (image === undefined) return uploadFile(session, file ?? '', 'packages', name);
  const named = name === undefined ? {} : { name };
  return (await session.client()).post('/v1/packages/images', BlobView, { image, ...named });
}

/** `-` is this process's own stdin, of whatever length. */
export async function uploadStdin(session: Session, source: string): Promise<Uploaded> {
  if (source !== '-') return uploadFile(session, source, 'blobs');
  const client = await session.client();
  return client.upload('/v1/blobs', Readable.toWeb(Readable.from(session.io.stdin)), BlobView);
}

/** @throws CliError ERR_CLI_FILE */
export async function fileBlob(path: string): Promise<Blob> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('it is no regular file');
    return await openAsBlob(path);
  } catch (cause) {
    const why = errorMessage(cause);
    throw new CliError('ERR_CLI_FILE', `${path} cannot be read: ${why}`, { path }, { cause });
  }
}
