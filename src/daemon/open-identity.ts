import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config/index.ts';
import { openKeystore, type OpenedKeystore } from '../identity/index.ts';
import type { Logger } from '../interface/index.ts';
import { readIfThere } from '../util/files.ts';
import { writePrivateFile } from './private-file.ts';

/**
 * Opens the node's key, or makes it on the first start. The passphrase comes from the environment, or from its file,
 * which is made with a random one when neither it nor the keystore exists.
 */
export async function openIdentity(
  config: Config,
  passphrase: string | undefined,
  components: { logger: Logger },
): Promise<OpenedKeystore> {
  const { keystorePath, passphraseFile } = config.identity;
  await mkdir(dirname(keystorePath), { recursive: true, mode: 0o700 });
  let secret = passphrase ?? (await readIfThere(passphraseFile))?.trim();
  if (secret === undefined && (await readIfThere(keystorePath)) === undefined) {
    secret = randomBytes(32).toString('base64url');
    await writePrivateFile(passphraseFile, `${secret}\n`);
  }
  // An empty one is refused by the keystore, which says where the passphrase is looked for.
  return openKeystore({ path: keystorePath, passphrase: secret ?? '' }, components);
}
