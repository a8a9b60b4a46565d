import type { ActivityRecord, AgreementRecord, Sender } from '../../interface/index.ts';
import { emit } from '../books.ts';
import { ActivityError } from '../errors.ts';
import type { CreateRequest } from '../messages.ts';
import { activities, supervisions } from '../records.ts';
import type { ProviderContext } from './context.ts';
import { sameActivity } from '../same-activity.ts';
import { agreementNotActive, occupy, openOccupancy } from './occupancy.ts';

/** At the least: what a debit note bills is no older than this part of its interval. */
const SAMPLES_PER_NOTE = 4;

/** Notes the activity: from then on it will be made, over any crash. */
export async function createActivity(
  context: ProviderContext,
  request: CreateRequest,
  sender: Sender,
): Promise<ActivityRecord> {
  const { store, clock, init } = context;
  const { activityId, agreementId } = request;
  const party = { role: 'provider', address: sender.address } as const;
  // A repeat is answered also when the agreement has ended meanwhile.
  const known = await store.get(activities, activityId);
  if (known !== undefined) return sameActivity(known, request, party);
  const agreement = await agreementOf(context, agreementId, sender);
  checkActive(agreement, clock.now());
  const { terms, expiresAt } = agreement.agreement;
  checkPackage(request, terms.resources.storageBytes + init.blobAllowanceBytes);

  return store.transact(async (tx) => {
    const held = await tx.get(activities, activityId);
    if (held !== undefined) return sameActivity(held, request, party);
    occupy(tx, await openOccupancy(tx, agreement, clock.now()), activityId);
    const { package: taskPackage, limits } = request;
    const what = {
      activityId,
      agreementId,
      ...(taskPackage !== undefined && { package: taskPackage }),
      limits,
    };
    const now = clock.now();
    const record: ActivityRecord = {
      ...what,
      role: 'provider',
      peerId: sender.peerId,
      address: sender.address,
      state: 'New',
      history: [{ state: 'New', at: now }],
      stdoutBytes: 0,
      stderrBytes: 0,
      journalSeq: 0,
      createdAt: now,
    };
    const spec = {
      ...what,
      nodeId: init.nodeId,
      runtime: runtimeOf(terms.runtime, init.runtimeAliases),
      resources: terms.resources,
      ...(terms.network !== undefined && { network: terms.network }),
      counters: terms.pricing.counters,
      ...(terms.pricing.deploymentBilled === true && { deploymentBilled: true }),
      maxOutputBytes: terms.maxOutputBytes,
      deadline: expiresAt,
      sampleIntervalMs: init.sampleIntervalMs,
      maxSampleIntervalMs: Math.max(
        init.sampleIntervalMs,
        Math.floor(terms.debitNoteIntervalMs / SAMPLES_PER_NOTE),
      ),
    };
    tx.put(activities, activityId, record);
    tx.put(supervisions, activityId, {
      activityId,
      spec,
      openBatches: [],
      failed: false,
      needs: [],
      pulledBytes: 0,
      disposed: false,
    });
    emit(tx, record, 'activity.created', { limits, ...(taskPackage && { package: taskPackage }) });
    return record;
  });
}

function runtimeOf(name: string, aliases: Readonly<Record<string, string>> = {}): string {
  return (Object.hasOwn(aliases, name) ? aliases[name] : undefined) ?? name;
}

/** The agreement in which the sender is the requestor and this node the provider. */
async function agreementOf(
  { agreements }: ProviderContext,
  agreementId: string,
  sender: Sender,
): Promise<AgreementRecord> {
  const held = await agreements.get(agreementId);
  if (held?.role === 'provider' && held.agreement.requestor === sender.address) return held;
  throw new ActivityError(
    'ERR_ACTIVITY_AGREEMENT_NOT_FOUND',
    `There is no agreement ${agreementId} with ${sender.address} as its requestor`,
    { agreementId },
  );
}

function checkActive({ agreement, state }: AgreementRecord, now: number): void {
  if (state !== 'Approved') throw agreementNotActive(agreement.agreementId, `is ${state}, not Approved`);
  if (now >= agreement.expiresAt) throw agreementNotActive(agreement.agreementId, 'has expired');
}

function checkPackage({ package: taskPackage }: CreateRequest, maxBytes: number): void {
  if (taskPackage === undefined || taskPackage.sizeBytes <= maxBytes) return;
  throw new ActivityError(
    'ERR_ACTIVITY_PACKAGE_TOO_LARGE',
    `The task package has ${taskPackage.sizeBytes} bytes; the agreement allows ${maxBytes}`,
    { sizeBytes: taskPackage.sizeBytes, maxBytes },
  );
}
