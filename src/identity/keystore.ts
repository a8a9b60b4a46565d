import {
  decryptKeystoreJson,
  encryptKeystoreJson,
  hexlify,
  isKeystoreJson,
  randomBytes,
  Wallet,
} from 'ethers';
import type { Logger } from '../interface/logger.ts';
import { errorMessage } from '../util/error-message.ts';
import { IdentityError } from './errors.ts';
import { damaged, isShared, readKeystore, writeKeystore } from './keystore-file.ts';

export interface KeystoreInit {
  readonly path: string;
  /** Must not be empty. */
  readonly passphrase: string;
  /** Cost of guessing a passphrase, a power of two; 131072 (about half a second) by default. For a new keystore only. */
  readonly scryptN?: number;
}

/** An unlocked identity. */
export interface OpenedKeystore {
  readonly wallet: Wallet;
  /** Whether this call made it. */
  readonly created: boolean;
}

/**
 * Opens the node's encrypted key, or makes one when there is surely none. An existing file is never replaced.
 * Throws IdentityError: ERR_IDENTITY_PASSPHRASE, ERR_IDENTITY_KEYSTORE_DAMAGED, _UNREADABLE or _WRITE.
 */
export async function openKeystore(
  init: KeystoreInit,
  components: { logger: Logger },
): Promise<OpenedKeystore> {
  if (init.passphrase === '') {
    const message =
      'The passphrase of the keystore is empty: set ERGON_PASSPHRASE or identity.passphraseFile';
    throw new IdentityError('ERR_IDENTITY_PASSPHRASE', message, { path: init.path });
  }
  const found = await readKeystore(init.path);
  if (found !== undefined) return { wallet: await unlock(init, found, components.logger), created: false };
  const wallet = new Wallet(hexlify(randomBytes(32)));
  const options = init.scryptN === undefined ? {} : { scrypt: { N: init.scryptN } };
  const json = await encryptKeystoreJson(wallet, init.passphrase, { client: 'ergon', ...options });
  if (await writeKeystore(init.path, json)) {
    components.logger.info({ path: init.path, address: wallet.address }, 'made a new identity');
    return { wallet, created: true };
  }
  return openKeystore(init, components);
}

async function unlock(init: KeystoreInit, json: string, logger: Logger): Promise<Wallet> {
  if (!isKeystoreJson(json)) throw damaged(init.path, 'it is no V3 keystore');
  if (await isShared(init.path)) {
    logger.warn({ path: init.path }, 'others than its owner may read the keystore: chmod 600 it');
  }
  try {
    return new Wallet((await decryptKeystoreJson(json, init.passphrase)).privateKey);
  } catch (cause) {
    const why = errorMessage(cause);
    if (!why.startsWith('incorrect password')) throw damaged(init.path, why.slice(0, 200), cause);
    // Without ethers' error as cause: its text may quote what it was given.
    const message = `The passphrase does not open the keystore ${init.path}; nothing was changed`;
    throw new IdentityError('ERR_IDENTITY_PASSPHRASE', message, { path: init.path });
  }
}
