import { isErgonError, type Reason } from '../../interface/index.ts';
import { activities, supervisions, type Need, type Supervision } from '../records.ts';
import type { ProviderContext } from './context.ts';

/** What another try does not change: the peer's answer, the blob itself, or a full disk, which is better said than waited on. */
const DEFINITE = [
  'ERR_NETWORK_BLOB_NOT_FOUND',
  'ERR_TRANSFER_NOT_FOUND',
  'ERR_TRANSFER_HASH_MISMATCH',
  'ERR_TRANSFER_TOO_LARGE',
  'ERR_TRANSFER_HASH_INVALID',
  'ERR_TRANSFER_NO_SPACE',
];

/**
 * Brings a blob that a command waits for from the requestor and hands it to the supervisor. Throws while the
 * requestor cannot be reached: the caller tries again for as long as the activity lives.
 */
export async function pull(
  context: ProviderContext,
  activityId: string,
  need: Need,
  signal: AbortSignal,
): Promise<void> {
  const record = await context.store.get(activities, activityId);
  const supervision = await context.store.get(supervisions, activityId);
  if (record === undefined || supervision === undefined) return;
  const outcome = await bring(context, record.peerId, need, roomFor(context, supervision), signal);
  await context.exeUnits.provide(activityId, need.hash, 'path' in outcome ? { path: outcome.path } : outcome);
  await context.store.transact(async (tx) => {
    const now = await tx.get(supervisions, activityId);
    if (now === undefined) return;
    tx.put(supervisions, activityId, {
      ...now,
      pulledBytes: now.pulledBytes + ('path' in outcome ? outcome.sizeBytes : 0),
      needs: now.needs.filter((other) => other.hash !== need.hash),
    });
  });
}

type Outcome = { readonly path: string; readonly sizeBytes: number } | { readonly error: Reason };

async function bring(
  context: ProviderContext,
  peerId: string,
  need: Need,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const { fetcher, blobs } = context;
  try {
    const { sizeBytes } = await fetcher.fetch(peerId, need.hash, { maxBytes, signal });
    if (sizeBytes > maxBytes) return refused(need, `has ${sizeBytes} bytes, more than the ${maxBytes} left`);
    const path = await blobs.path(need.hash);
    // Deleted in this very moment: the next try fetches it again.
    if (path === undefined) throw new Error(`Blob ${need.hash} vanished after it was fetched`);
    return { path, sizeBytes };
  } catch (error) {
    if (isErgonError(error, ...DEFINITE)) return refused(need, `could not be had: ${error.message}`);
    throw error;
  }
}

function roomFor({ init }: ProviderContext, { spec, pulledBytes }: Supervision): number {
  return Math.max(0, spec.resources.storageBytes + init.blobAllowanceBytes - pulledBytes);
}

function refused(need: Need, why: string): { error: Reason } {
  return {
    error: { code: 'Error', message: `Blob ${need.hash} ${why}`.slice(0, 2048), detail: { hash: need.hash } },
  };
}
