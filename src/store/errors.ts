import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type StoreErrorCode =
  | 'ERR_STORE_CONFLICT'
  | 'ERR_STORE_EXISTS'
  | 'ERR_STORE_NOT_PENDING'
  | 'ERR_STORE_KEY'
  | 'ERR_STORE_VALUE'
  | 'ERR_STORE_CLOSED'
  | 'ERR_STORE_FAILED'
  | 'ERR_STORE_LOCKED'
  | 'ERR_STORE_DAMAGED'
  | 'ERR_STORE_UNREADABLE'
  | 'ERR_STORE_MISSING'
  | 'ERR_STORE_STALE'
  | 'ERR_STORE_VERSION'
  | 'ERR_STORE_IDENTITY'
  | 'ERR_STORE_BACKUP'
  | 'ERR_STORE_TARGET_EXISTS';

/** Something is wrong with the books, or with what is asked of them; `code` says what. */
export class StoreError extends ErgonError<StoreErrorCode> {}

export const storeErrors: ErrorCatalogue<StoreErrorCode> = {
  ERR_STORE_CONFLICT: {
    meaning: 'A transaction was overtaken by others each of the many times that it was tried.',
    remedy: 'Try again later; if it repeats, many writers fight for one record: report it.',
  },
  ERR_STORE_EXISTS: {
    meaning: 'A record was to be made, but there is one of that id already.',
    remedy: 'Use a new id, or read the record before changing it.',
  },
  ERR_STORE_NOT_PENDING: {
    meaning: 'An outbox message was to be settled that does not wait any more.',
    remedy: 'Its answer is recorded already; nothing needs to be done.',
  },
  ERR_STORE_KEY: {
    meaning:
      'An id or an index value cannot be a key: empty, longer than 1024 characters, or not plain text.',
    remedy: 'Use another id.',
  },
  ERR_STORE_VALUE: {
    meaning: 'A value is not JSON, or does not fit the schema of its collection.',
    remedy: 'For a value being written, correct it. For one read from disk, see ERR_STORE_VERSION.',
  },
  ERR_STORE_CLOSED: {
    meaning: 'The store is not open: not started yet, or stopped.',
    remedy: 'Nothing was written; try again when the daemon runs.',
  },
  ERR_STORE_FAILED: {
    meaning:
      'A write to disk failed, so it is unknown what of it landed; the store takes no more until it is opened anew.',
    remedy: 'Mend the cause (disk full, read-only, failing disk) and restart the daemon.',
  },
  ERR_STORE_LOCKED: {
    meaning: 'Another process has these books open.',
    remedy: 'Stop the other daemon or command, or use another data directory.',
  },
  ERR_STORE_DAMAGED: {
    meaning: 'What is on disk is not what was written: records are missing or changed.',
    remedy: 'Run `ergon store check`, then `ergon store restore <backup>`. Keep the damaged folder.',
  },
  ERR_STORE_UNREADABLE: {
    meaning: 'The system does not let the books be read: permissions, a failing disk, too many open files.',
    remedy: 'Mend what the message names and start again; the books themselves may be whole.',
  },
  ERR_STORE_MISSING: {
    meaning: 'There were books here, and they are gone, wholly or in part.',
    remedy:
      'Bring folder and sentinel file back, or run `ergon store restore <backup>`. Only where the message names a file that says that there were books, and to forget all that the key owes and is owed, remove that file and begin anew.',
  },
  ERR_STORE_STALE: {
    meaning:
      'The books are older than what this node last wrote: an older copy, or the newest writes were lost.',
    remedy: 'Bring the newest folder back, or run `ergon store restore <backup>`.',
  },
  ERR_STORE_VERSION: {
    meaning: 'The books were written by a newer release than this one.',
    remedy: 'Install that release or a newer one; this one must not touch them.',
  },
  ERR_STORE_IDENTITY: {
    meaning: 'The books belong to another node, or folder and sentinel file do not belong together.',
    remedy: 'Bring folder, sentinel file and keystore of the same node together.',
  },
  ERR_STORE_BACKUP: {
    meaning: 'A backup file is damaged, incomplete or not a backup.',
    remedy: 'Use another backup.',
  },
  ERR_STORE_TARGET_EXISTS: {
    meaning: 'Something is already where a backup or restored books are to go; it is never overwritten.',
    remedy:
      'Name another target, or for a restore pass `--move-aside` to keep the present books beside the restored ones.',
  },
};
