export { DOCUMENT_TYPES, DOMAIN_NAME, DOMAIN_VERSION, type TypedField } from './documents.ts';
export type { DomainInit } from './digest.ts';
export { IdentityError, identityErrors, type IdentityErrorCode } from './errors.ts';
export { libp2pPrivateKeyRaw } from './libp2p-key.ts';
export { signer } from './signer.ts';
export { verifier } from './verifier.ts';
