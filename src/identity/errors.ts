import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type IdentityErrorCode =
  | 'ERR_IDENTITY_SIGNATURE'
  | 'ERR_IDENTITY_DOCUMENT'
  | 'ERR_IDENTITY_PASSPHRASE'
  | 'ERR_IDENTITY_KEYSTORE_DAMAGED'
  | 'ERR_IDENTITY_KEYSTORE_UNREADABLE'
  | 'ERR_IDENTITY_KEYSTORE_WRITE'
  | 'ERR_IDENTITY_APP_KEY_NOT_FOUND'
  | 'ERR_IDENTITY_APP_KEY_INVALID';

export class IdentityError extends ErgonError<IdentityErrorCode> {}

export const identityErrors: ErrorCatalogue<IdentityErrorCode> = {
  ERR_IDENTITY_SIGNATURE: {
    meaning:
      'A document does not carry the signature of the party it names: another key signed it, it was changed since, or the signature is not in its one canonical form.',
    remedy:
      'Do not trust the document. `detail` names the expected and the recovered address; ask the peer for the original.',
  },
  ERR_IDENTITY_DOCUMENT: {
    meaning: 'A document lacks a field that its EIP-712 type shows, or holds a value that cannot be signed.',
    remedy: 'Mend the document; the message names what could not be encoded.',
  },
  ERR_IDENTITY_PASSPHRASE: {
    meaning: 'The keystore is whole, but the passphrase does not open it.',
    remedy: 'Start again with the right passphrase. Nothing was changed.',
  },
  ERR_IDENTITY_KEYSTORE_DAMAGED: {
    meaning: 'The keystore file is not a complete V3 keystore.',
    remedy:
      'Restore the file from your backup. If it is lost for good, move it away, and the next start makes a new identity: agreements and money of the old one stay with the old key.',
  },
  ERR_IDENTITY_KEYSTORE_UNREADABLE: {
    meaning: 'The keystore file exists or may exist, but cannot be read.',
    remedy:
      'Check owner and permissions of the file and its folders; it is never replaced while it may exist.',
  },
  ERR_IDENTITY_KEYSTORE_WRITE: {
    meaning: 'A new keystore could not be written.',
    remedy: 'Make the folder writable and give it space, then start again.',
  },
  ERR_IDENTITY_APP_KEY_NOT_FOUND: {
    meaning: 'There is no app-key of this id.',
    remedy: 'List the keys with `ergon app-key list`.',
  },
  ERR_IDENTITY_APP_KEY_INVALID: {
    meaning: 'An app-key was asked for with a name, scopes or expiry that are not allowed.',
    remedy:
      'Give a name of 1 to 64 characters, at least one of the scopes read, requestor, provider, admin, and an expiry in the future.',
  },
};
