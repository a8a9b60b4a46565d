export {
  appKeyBucket,
  appKeys,
  AppKeyRecord,
  type AppKeyHolder,
  type AppKeyRequest,
  type AppKeys,
  type AppKeysComponents,
  type AppKeysInit,
  CorsOrigins,
} from './app-keys.ts';
export { DOCUMENT_TYPES, DOMAIN_NAME, DOMAIN_VERSION, type TypedField } from './documents.ts';
export type { DomainInit } from './digest.ts';
export { withFixedAppKey, type FixedAppKey } from './fixed-app-key.ts';
export { IdentityError, identityErrors, type IdentityErrorCode } from './errors.ts';
export { openKeystore, type KeystoreInit, type OpenedKeystore } from './keystore.ts';
export { libp2pPrivateKeyRaw } from './libp2p-key.ts';
export { allows, Scope, Scopes, SCOPES } from './scopes.ts';
export { signer } from './signer.ts';
export { verifier } from './verifier.ts';
