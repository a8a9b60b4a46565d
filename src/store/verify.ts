import { Accumulator, type Totals } from './accumulator.ts';
import { EMPTY_COMMIT, parseCommit, parseMeta, type CommitEntry, type MetaEntry } from './entries.ts';
import { StoreError } from './errors.ts';
import { COMMIT_KEY, META_KEY } from './keys.ts';
import type { Kv } from './kv/kv.ts';

export interface Survey {
  /** The newest commit; EMPTY_COMMIT in an empty database. */
  readonly commit: CommitEntry;
  /** Absent in an empty database. */
  readonly meta: MetaEntry | undefined;
}

/**
 * Reads everything once and compares it with what the newest commit says there is. Throws ERR_STORE_DAMAGED at the
 * first entry that is not what was written, or when the sum of all differs.
 */
export async function survey(pairs: AsyncIterable<readonly [key: string, raw: string]>): Promise<Survey> {
  const totals = new Accumulator();
  let commit = EMPTY_COMMIT;
  let meta: MetaEntry | undefined;
  for await (const [key, raw] of pairs) {
    if (key === COMMIT_KEY) {
      commit = parseCommit(key, raw);
      continue;
    }
    if (key === META_KEY) meta = parseMeta(key, raw);
    totals.add(key, raw);
  }
  compareTotals(totals.totals, commit);
  return { commit, meta };
}

export function surveyKv(kv: Kv): Promise<Survey> {
  return survey(kv.iterate({}));
}

function compareTotals(found: Totals, commit: CommitEntry): void {
  if (found.entries === commit.entries && found.accumulator === commit.accumulator) return;
  const difference =
    found.entries === commit.entries
      ? 'some of its entries are not the newest that were written'
      : `it holds ${found.entries} entries where commit ${commit.number} left ${commit.entries}`;
  throw new StoreError(
    'ERR_STORE_DAMAGED',
    `The database is damaged: ${difference}. Run \`ergon store check\`, then \`ergon store restore <backup>\`.`,
    { commit: commit.number, found: found.entries, expected: commit.entries },
  );
}
