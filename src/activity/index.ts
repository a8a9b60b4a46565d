export { activityBlobUsers, type ActivityBlobUse } from './blob-users.ts';
export { ActivityError, activityErrors, type ActivityErrorCode } from './errors.ts';
export { forgetActivities } from './forget.ts';
export {
  activityProvider,
  type ActivityProvider,
  type ActivityProviderComponents,
  type ActivityProviderInit,
} from './provider/index.ts';
export { activityBooks, usageSource, type ActivityBooks, type ActivityBooksComponents } from './reader.ts';
export { isFinal } from './machine.ts';
export {
  activities,
  batches,
  batchKey,
  blobGrants,
  reservations,
  usageSampleKey,
  usageSamples,
  type BlobGrant,
  type SlotHold,
  type StoredSample,
} from './records.ts';
export {
  activityRequestor,
  type ActivityRequestor,
  type ActivityRequestorComponents,
  type ActivityRequestorInit,
} from './requestor/index.ts';
export { dropResults } from './requestor/drop-results.ts';
export { LogCopies } from './requestor/log-copy.ts';
export {
  slotLedger,
  type SlotAudit,
  type SlotLedger,
  type SlotLedgerComponents,
  type SlotLedgerInit,
} from './slots.ts';
