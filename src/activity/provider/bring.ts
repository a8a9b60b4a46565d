import { isErgonError, type Reason } from '../../interface/index.ts';
import type { BlobNeed, DeliverNeed, FetchNeed, Supervision } from '../records.ts';
import type { ProviderContext } from './context.ts';

/** What another try does not change: the peer's answer, the blob itself, or a full disk, which is better said than waited on. */
const DEFINITE = [
  'ERR_NETWORK_BLOB_NOT_FOUND',
  'ERR_TRANSFER_NOT_FOUND',
  'ERR_TRANSFER_HASH_MISMATCH',
  'ERR_TRANSFER_CHUNK_MISMATCH',
  'ERR_TRANSFER_CHUNK_LIST',
  'ERR_TRANSFER_TOO_LARGE',
  'ERR_TRANSFER_HASH_INVALID',
  'ERR_TRANSFER_NO_SPACE',
];

export type Brought =
  | { readonly path: string; readonly hash: string; readonly sizeBytes: number }
  | { readonly delivered: true }
  | { readonly error: Reason };

/** One need of a supervisor that is being met. */
export interface Task {
  readonly context: ProviderContext;
  readonly activityId: string;
  readonly supervision: Supervision;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number | undefined) => void;
}

/** From the requestor; the task package from its own URL, where it has one. */
export async function bringBlob(task: Task & { peerId: string }, need: BlobNeed): Promise<Brought> {
  const { context, peerId, signal, onProgress, supervision, activityId } = task;
  const { hash } = need;
  const maxBytes = roomFor(task);
  const { package: taskPackage } = supervision.spec;
  if (taskPackage?.url !== undefined && taskPackage.hash === hash) {
    const { url } = taskPackage;
    return fromUrl(task, { key: `${activityId}/package`, url, expectedHash: hash, maxBytes });
  }
  try {
    const { sizeBytes } = await context.fetcher.fetch(peerId, hash, {
      maxBytes,
      signal,
      onProgress,
      cached: true,
    });
    if (sizeBytes > maxBytes) {
      const why = `has ${sizeBytes} bytes, more than the ${maxBytes} left`;
      return refused(hash, 'ERR_TRANSFER_TOO_LARGE', why);
    }
    return await asFile(context, hash, sizeBytes);
  } catch (error) {
    if (isErgonError(error, ...DEFINITE))
      return refused(hash, error.code, `could not be had: ${error.message}`);
    throw error;
  }
}

/** Fetches what a URL of the requestor names, no more bytes than the activity has room for. */
export function bringUrl(task: Task, { batchId, index, url, maxBytes }: FetchNeed): Promise<Brought> {
  const key = `${task.activityId}/${batchId}/${index}`;
  return fromUrl(task, { key, url, maxBytes: Math.min(maxBytes, roomFor(task)) });
}

/** Sends an output of the activity to a URL of the requestor. */
export async function deliver(task: Task, { url, hash, sizeBytes }: DeliverNeed): Promise<Brought> {
  const { context, activityId, signal, onProgress } = task;
  const path = await context.exeUnits.outputPath(activityId, hash);
  if (path === undefined) return refused(hash, 'ERR_TRANSFER_NOT_FOUND', 'is no output of the activity');
  try {
    await context.urls.deliver({ url, path, sizeBytes, signal, onProgress });
    return { delivered: true };
  } catch (error) {
    return failed(error, signal);
  }
}

async function fromUrl(
  { context, signal, onProgress }: Task,
  request: { key: string; url: string; expectedHash?: string; maxBytes: number },
): Promise<Brought> {
  try {
    const { hash, sizeBytes } = await context.urls.fetch({ ...request, signal, onProgress });
    return await asFile(context, hash, sizeBytes);
  } catch (error) {
    return failed(error, signal);
  }
}

async function asFile({ blobs }: ProviderContext, hash: string, sizeBytes: number): Promise<Brought> {
  const path = await blobs.path(hash);
  // Deleted in this very moment: the next try fetches it again.
  if (path === undefined) throw new Error(`Blob ${hash} vanished after it was fetched`);
  return { path, hash, sizeBytes };
}

/** What an http(s) server does wrong is the command's failure: it was given its chances already. */
function failed(error: unknown, signal: AbortSignal): Brought {
  signal.throwIfAborted();
  if (!isErgonError(error)) throw error;
  const { status } = error.detail;
  const detail = typeof status === 'number' ? { detail: { status } } : {};
  return { error: { code: error.code, message: error.message.slice(0, 2048), ...detail } };
}

function roomFor({ context, supervision }: Task): number {
  const { spec, pulledBytes } = supervision;
  return Math.max(0, spec.resources.storageBytes + context.init.blobAllowanceBytes - pulledBytes);
}

function refused(hash: string, code: string, why: string): { error: Reason } {
  return { error: { code, message: `Blob ${hash} ${why}`.slice(0, 2048), detail: { hash } } };
}
