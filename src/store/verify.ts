import { Accumulator } from './accumulator.ts';
import { EMPTY_COMMIT, parseCommit, parseMeta, type CommitEntry, type MetaEntry } from './entries.ts';
import { StoreError } from './errors.ts';
import { COMMIT_KEY, META_KEY } from './keys.ts';
import type { Kv } from './kv/kv.ts';

/** What a database holds, once every entry was found to be what was written. */
export interface Survey {
  /** The newest commit; EMPTY_COMMIT in an empty database. */
  readonly commit: CommitEntry;
  /** Absent in an empty database. */
  readonly meta: MetaEntry | undefined;
}

/** Takes in every entry once, then compares the sum with what the newest commit says there is. */
export class Surveyor {
  readonly #totals = new Accumulator();
  #commit = EMPTY_COMMIT;
  #meta: MetaEntry | undefined;

  /** Throws ERR_STORE_DAMAGED when the entry is not what was written. */
  add(key: string, raw: string): void {
    if (key === COMMIT_KEY) {
      this.#commit = parseCommit(key, raw);
      return;
    }
    if (key === META_KEY) this.#meta = parseMeta(key, raw);
    this.#totals.add(key, raw);
  }

  /** Throws ERR_STORE_DAMAGED when entries are missing, or not the newest. */
  finish(): Survey {
    const found = this.#totals.totals;
    const commit = this.#commit;
    if (found.entries !== commit.entries || found.accumulator !== commit.accumulator) {
      const difference =
        found.entries === commit.entries
          ? 'some of the entries are not the newest that were written'
          : `there are ${found.entries} entries where commit ${commit.number} left ${commit.entries}`;
      throw new StoreError(
        'ERR_STORE_DAMAGED',
        `The database is damaged: ${difference}. Run \`ergon store check\`, then \`ergon store restore <backup>\`.`,
        { commit: commit.number, found: found.entries, expected: commit.entries },
      );
    }
    return { commit, meta: this.#meta };
  }
}

/** Reads everything once; throws ERR_STORE_DAMAGED when it is not what was written. */
export async function surveyKv(kv: Kv): Promise<Survey> {
  const surveyor = new Surveyor();
  for await (const [key, raw] of kv.iterate({})) surveyor.add(key, raw);
  return surveyor.finish();
}
