export { api, type Api, type ApiInit } from './api.ts';
export {
  bucketCollection,
  type Collection,
  type CollectionPage,
  type CollectionQuery,
} from './collection.ts';
export type * from './components.ts';
export { ApiError, apiErrors, type ApiErrorCode } from './errors.ts';
export { DEFAULT_LIMITS, type ApiLimits } from './limits.ts';
export { deliveringActivities } from './rest/yagna/activity/open-deliveries.ts';
export { forgetActivityNotes, forgetAgreementNotes } from './rest/yagna/forget.ts';
export { problemStatus } from './problem-status.ts';
export { idempotencyBucket } from './idempotency.ts';
export { forgetPackage, packageBucket } from './package-bucket.ts';
export type { NodeInfo } from './schemas/node.ts';
