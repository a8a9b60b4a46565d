import { randomBytes } from 'node:crypto';
import { link, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { canonicalJson } from '../util/canonical-json.ts';
import { hasCode } from '../util/error-code.ts';
import { errorMessage } from '../util/error-message.ts';
import { makeDirectory, syncDirectory } from '../util/files.ts';
import { sha256 } from '../util/sha256.ts';
import { IdentityError } from './errors.ts';

const MAX_BYTES = 64 * 1024;
/**
 * A V3 keystore cannot tell damage from a wrong passphrase: both give a wrong MAC. This member, which other readers of
 * V3 ignore, can: it is a hash of the rest of the file.
 */
const CHECKSUM = 'x-ergon-sha256';

/** The keystore's JSON; undefined when there is surely no such file. */
export async function readKeystore(path: string): Promise<string | undefined> {
  let text: string;
  try {
    if ((await stat(path)).size > MAX_BYTES) throw damaged(path, 'it is too large');
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    if (hasCode(cause, 'ENOENT')) return undefined;
    const why = errorMessage(cause);
    throw new IdentityError(
      'ERR_IDENTITY_KEYSTORE_UNREADABLE',
      `Cannot read the keystore: ${why}`,
      { path },
      { cause },
    );
  }
  checkSum(path, text);
  return text;
}

/** True when others than the owner may read or write the file. */
export async function isShared(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o077) !== 0;
}

/**
 * Writes a new keystore, all or nothing, readable by its owner only.
 * False when a file appeared there meanwhile: it is never replaced.
 */
export async function writeKeystore(path: string, json: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await makeDirectory(dirname(path), 0o700);
    await writeDurably(temporary, withChecksum(json));
    // A link, unlike a rename, fails when the name is taken.
    await link(temporary, path);
    await unlink(temporary);
    await syncDirectory(dirname(path));
    return true;
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    if (hasCode(cause, 'EEXIST')) return false;
    const why = errorMessage(cause);
    throw new IdentityError(
      'ERR_IDENTITY_KEYSTORE_WRITE',
      `Cannot write the keystore: ${why}`,
      { path },
      { cause },
    );
  }
}

/** ERR_IDENTITY_KEYSTORE_DAMAGED; `why` says what of the file is not as it should be. */
export function damaged(path: string, why: string, cause?: unknown): IdentityError {
  const message = `The keystore ${path} is damaged: ${why}. Restore it from a backup; it was left as it is`;
  return new IdentityError('ERR_IDENTITY_KEYSTORE_DAMAGED', message, { path }, { cause });
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function withChecksum(json: string): string {
  const keystore: unknown = JSON.parse(json);
  if (typeof keystore !== 'object' || keystore === null) throw new TypeError('a keystore is an object');
  return `${JSON.stringify({ ...keystore, [CHECKSUM]: hashOf(keystore) }, null, 2)}\n`;
}

function checkSum(path: string, text: string): void {
  let keystore: unknown;
  try {
    keystore = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, 'it is no JSON', cause);
  }
  if (typeof keystore !== 'object' || keystore === null) throw damaged(path, 'it is no JSON object');
  // A keystore of another program, imported by hand, has none.
  if (!Object.hasOwn(keystore, CHECKSUM)) return;
  const { [CHECKSUM]: sum, ...rest } = keystore as Record<string, unknown>;
  if (sum !== hashOf(rest)) throw damaged(path, 'its checksum does not fit');
}

function hashOf(value: object): string {
  return sha256(canonicalJson(value)).toString('hex');
}
