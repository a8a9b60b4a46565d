import type {
  ActivityRecord,
  AgreementRecord,
  Batch,
  ExeScript,
  Reason,
  Transaction,
} from '../../interface/index.ts';
import { emit } from '../books.ts';
import { ActivityError, hasEnded } from '../errors.ts';
import { isFinal } from '../machine.ts';
import type { CreateRequest } from '../messages.ts';
import { activities, batches, batchKey, blobGrants, grantKey, remotes, type Remote } from '../records.ts';
import { sameActivity } from '../same-activity.ts';
import { blobsOf, sameBatch } from '../script.ts';
import type { RequestorContext } from './context.ts';

/** Batches handed over and not known to have finished: the provider takes one at a time. */
const MAX_OPEN_BATCHES = 8;

/** Notes the wish for an activity. Where it runs; nothing of one that has long ended. */
export async function noteActivity(
  context: RequestorContext,
  request: CreateRequest,
): Promise<Remote | undefined> {
  const { store, clock, agreements } = context;
  const { activityId, agreementId, package: taskPackage, limits } = request;
  const agreement = await agreements.get(agreementId);
  if (agreement?.role !== 'requestor') throw agreementError('NOT_FOUND', agreementId, 'is none of ours');
  return store.transact(async (tx) => {
    const held = await tx.get(activities, activityId);
    const party = { role: 'requestor', address: agreement.agreement.provider } as const;
    const known = await tx.get(remotes, activityId);
    if (held !== undefined) sameActivity(held, request, party);
    if (known !== undefined || held !== undefined) return known;
    checkActive(agreement, clock.now());
    const now = clock.now();
    const record: ActivityRecord = {
      activityId,
      agreementId,
      ...party,
      peerId: agreement.agreement.offer.peerId,
      ...(taskPackage !== undefined && { package: taskPackage }),
      limits,
      state: 'New',
      history: [{ state: 'New', at: now }],
      stdoutBytes: 0,
      stderrBytes: 0,
      journalSeq: 0,
      createdAt: now,
    };
    const remote = remoteOf(activityId, agreement);
    tx.put(activities, activityId, record);
    tx.put(remotes, activityId, remote);
    if (taskPackage !== undefined) await grant(tx, record, [taskPackage.hash]);
    emit(tx, record, 'activity.created', { limits, ...(taskPackage && { package: taskPackage }) });
    return remote;
  });
}

/** Notes the wish to have a script run. */
export function noteBatch(
  { store, clock }: RequestorContext,
  activityId: string,
  batchId: string,
  script: ExeScript,
): Promise<Batch> {
  return store.transact(async (tx) => {
    const { record, remote } = await held(tx, activityId);
    const known = await tx.get(batches, batchKey(activityId, batchId));
    if (known !== undefined) return sameBatch(known, script);
    if (isFinal(record.state)) throw hasEnded(record);
    if (remote.destroy !== undefined) {
      const message = `Activity ${activityId} is ending`;
      throw new ActivityError('ERR_ACTIVITY_ENDED', message, { activityId, state: record.state });
    }
    if (remote.openBatches.length >= MAX_OPEN_BATCHES) {
      const message = `${MAX_OPEN_BATCHES} batches of activity ${activityId} have not finished`;
      throw new ActivityError('ERR_ACTIVITY_BUSY', message, { activityId });
    }
    const createdAt = clock.now();
    const batch: Batch = { batchId, activityId, script, results: [], finished: false, createdAt };
    tx.put(batches, batchKey(activityId, batchId), batch);
    tx.put(remotes, activityId, { ...remote, openBatches: [...remote.openBatches, batchId] });
    await grant(tx, record, blobsOf(script));
    emit(tx, record, 'batch.created', { batchId, commands: script.length });
    return batch;
  });
}

/** Notes that it is to end; false when it has ended already. */
export function noteDestroy(
  { store }: RequestorContext,
  activityId: string,
  reason: Reason | undefined,
): Promise<boolean> {
  return store.transact(async (tx) => {
    if (await isOver(tx, activityId)) return false;
    const { record, remote } = await held(tx, activityId);
    if (remote.destroy === undefined) {
      tx.put(remotes, activityId, { ...remote, destroy: reason === undefined ? {} : { reason } });
      emit(tx, record, 'activity.end-requested', reason === undefined ? {} : { reason });
    }
    return true;
  });
}

async function isOver(tx: Transaction, activityId: string): Promise<boolean> {
  const record = await tx.get(activities, activityId);
  return record?.role === 'requestor' && isFinal(record.state);
}

/** @throws ActivityError ERR_ACTIVITY_NOT_FOUND, ERR_ACTIVITY_ENDED when how it went is forgotten already */
async function held(
  tx: Transaction,
  activityId: string,
): Promise<{ record: ActivityRecord; remote: Remote }> {
  const record = await tx.get(activities, activityId);
  const remote = await tx.get(remotes, activityId);
  if (record !== undefined && remote !== undefined) return { record, remote };
  if (record?.role === 'requestor' && isFinal(record.state)) throw hasEnded(record);
  throw notFound(activityId);
}

export function notFound(activityId: string): ActivityError {
  const message = `There is no activity ${activityId} of this requestor`;
  return new ActivityError('ERR_ACTIVITY_NOT_FOUND', message, { activityId });
}

/** From the moment that the provider may hear of a blob it may read it, until the activity has ended. */
async function grant(tx: Transaction, record: ActivityRecord, hashes: readonly string[]): Promise<void> {
  const { activityId, address } = record;
  for (const hash of hashes) {
    const key = grantKey(activityId, hash);
    if ((await tx.get(blobGrants, key)) === undefined) tx.put(blobGrants, key, { activityId, hash, address });
  }
}

function remoteOf(activityId: string, { agreement }: AgreementRecord): Remote {
  const { agreementId, offer, terms, expiresAt } = agreement;
  return {
    activityId,
    agreementId,
    peerId: offer.peerId,
    multiaddrs: [...offer.multiaddrs],
    deadline: expiresAt,
    maxOutputBytes: terms.maxOutputBytes,
    accepted: false,
    openBatches: [],
    logsComplete: false,
  };
}

function checkActive({ agreement, state }: AgreementRecord, now: number): void {
  const { agreementId, expiresAt } = agreement;
  if (state !== 'Approved') throw agreementError('NOT_ACTIVE', agreementId, `is ${state}, not Approved`);
  if (now >= expiresAt) throw agreementError('NOT_ACTIVE', agreementId, 'has expired');
}

function agreementError(kind: 'NOT_FOUND' | 'NOT_ACTIVE', agreementId: string, why: string): ActivityError {
  return new ActivityError(`ERR_ACTIVITY_AGREEMENT_${kind}`, `Agreement ${agreementId} ${why}`, {
    agreementId,
  });
}
