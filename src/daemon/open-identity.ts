import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { invalidConfig, type Config } from '../config/index.ts';
import { openKeystore, type OpenedKeystore } from '../identity/index.ts';
import type { Logger } from '../interface/index.ts';
import { errorMessage } from '../util/error-message.ts';
import { makeDirectory, readIfThere } from '../util/files.ts';
import { writePrivateFile } from './private-file.ts';

/**
 * Opens the node's key, or makes it on the first start. The passphrase comes from the environment, or from its file,
 * which is made with a random one when neither it nor the keystore exists.
 * @throws ConfigError when its files cannot be made where the configuration says
 */
export async function openIdentity(
  config: Config,
  passphrase: string | undefined,
  components: { logger: Logger },
): Promise<OpenedKeystore> {
  const { keystorePath, passphraseFile } = config.identity;
  const { dataDir } = config;
  await make('dataDir', dataDir, () => makeDirectory(dataDir, 0o700));
  const keystoreDir = dirname(keystorePath);
  await make('identity.keystorePath', keystoreDir, () => makeDirectory(keystoreDir, 0o700));
  let secret = passphrase ?? (await readIfThere(passphraseFile))?.trim();
  if (secret === undefined && (await readIfThere(keystorePath)) === undefined) {
    const fresh = randomBytes(32).toString('base64url');
    await make('identity.passphraseFile', passphraseFile, () =>
      writePrivateFile(passphraseFile, `${fresh}\n`),
    );
    secret = fresh;
  }
  // An empty one is refused by the keystore, which says where the passphrase is looked for.
  return openKeystore({ path: keystorePath, passphrase: secret ?? '' }, components);
}

/** What cannot be made where a setting says is that setting's fault. */
async function make(setting: string, path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const message = `${path} cannot be made: ${errorMessage(error)}`;
    throw invalidConfig([{ path: setting, source: 'flag, environment or file', message }]);
  }
}
