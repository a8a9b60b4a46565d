import type { Transaction } from '../interface/store.ts';
import type { Committer } from './committer.ts';
import type { MetaEntry } from './entries.ts';
import { META_KEY } from './keys.ts';
import type { Kv } from './kv/kv.ts';
import { OpenTransaction } from './transaction.ts';

/**
 * Brings records of the release before into the form of this one. It is run once, in one commit with the new schema
 * version. Read old records through a bucket of the old name whose `check` accepts the old form, write them through
 * the present bucket.
 */
export interface Migration {
  /** The schema version that it leads to: one more than that of the migration before. */
  readonly version: number;
  readonly description: string;
  readonly run: (tx: Transaction) => Promise<void>;
}

/** The version that books are at once all of `migrations` have run. */
export function schemaVersionOf(migrations: readonly Migration[]): number {
  migrations.forEach(({ version }, at) => {
    if (version !== at + 1)
      throw new RangeError(`Migration ${at + 1} of the list leads to version ${version}`);
  });
  return migrations.length;
}

/** Runs what is missing, each in a commit of its own. Returns the new meta record. */
export async function migrate(
  kv: Kv,
  committer: Committer,
  meta: MetaEntry,
  migrations: readonly Migration[],
): Promise<MetaEntry> {
  let current = meta;
  for (const migration of migrations.slice(meta.schemaVersion)) {
    const tx = new OpenTransaction(kv);
    await migration.run(tx);
    current = { ...current, schemaVersion: migration.version };
    await writeMeta(committer, current, tx);
  }
  return current;
}

/** Commits what these books are, with all else that `tx` wants. */
export async function writeMeta(committer: Committer, meta: MetaEntry, tx: OpenTransaction): Promise<void> {
  tx.setPayload(META_KEY, JSON.stringify(meta));
  await committer.commit(await tx.draft(0));
}
