import { ErgonError, type ErrorCatalogue } from '../../interface/errors.ts';

export type ArchiveErrorCode =
  | 'ERR_ARCHIVE_FORMAT'
  | 'ERR_ARCHIVE_DAMAGED'
  | 'ERR_ARCHIVE_UNSUPPORTED'
  | 'ERR_ARCHIVE_PATH'
  | 'ERR_ARCHIVE_ENTRY_TYPE'
  | 'ERR_ARCHIVE_DUPLICATE'
  | 'ERR_ARCHIVE_TOO_MANY'
  | 'ERR_ARCHIVE_TOO_DEEP'
  | 'ERR_ARCHIVE_TOO_LARGE'
  | 'ERR_ARCHIVE_RATIO'
  | 'ERR_ARCHIVE_CHANGED';

/** An archive, or a tree that one should be made of, that is refused. */
export class ArchiveError extends ErgonError<ArchiveErrorCode> {}

export const archiveErrors: ErrorCatalogue<ArchiveErrorCode> = {
  ERR_ARCHIVE_FORMAT: {
    meaning: 'The file is no archive of the format that was named, or of none that is known.',
    remedy:
      'Name the right `format`: `tar`, `tar.gz` or `zip`; to copy a plain file, name a file as the target.',
  },
  ERR_ARCHIVE_DAMAGED: {
    meaning: 'The archive is cut short, or a checksum in it is wrong. Nothing of it was written.',
    remedy: 'Make the archive again, and check the hash of what was transferred.',
  },
  ERR_ARCHIVE_UNSUPPORTED: {
    meaning:
      'The archive uses what is not supported: encryption, sparse files, or a method other than deflate.',
    remedy: 'Make it with plain tar, gzip or zip.',
  },
  ERR_ARCHIVE_PATH: {
    meaning: 'The name of an entry is absolute, leads outside with `..`, or can name no file.',
    remedy: 'Make the archive with relative names of plain files and directories.',
  },
  ERR_ARCHIVE_ENTRY_TYPE: {
    meaning:
      'There is something other than a plain file or a directory: a link, a device, a pipe or a socket.',
    remedy: 'Leave it out; on the way out of an activity, choose the files with `fileset`.',
  },
  ERR_ARCHIVE_DUPLICATE: {
    meaning:
      'Two entries have the same name, or names that differ only in case or in how a letter is encoded.',
    remedy: 'Give each file a name of its own.',
  },
  ERR_ARCHIVE_TOO_MANY: {
    meaning: 'There are more files and directories than one transfer may have.',
    remedy: 'Split it into several transfers, or choose fewer files with `fileset`.',
  },
  ERR_ARCHIVE_TOO_DEEP: {
    meaning: 'Directories are nested deeper than is allowed.',
    remedy: 'Flatten the tree.',
  },
  ERR_ARCHIVE_TOO_LARGE: {
    meaning: 'The files do not fit into what is left of the agreed storage.',
    remedy: 'Transfer less, or agree on more storage.',
  },
  ERR_ARCHIVE_RATIO: {
    meaning: 'The archive would grow so much beyond its own size that it looks like a bomb.',
    remedy: 'Transfer such data without compression.',
  },
  ERR_ARCHIVE_CHANGED: {
    meaning: 'A file changed while it was being packed.',
    remedy: 'Pack when nothing writes there any more.',
  },
};

export function damaged(what: string, cause?: unknown): ArchiveError {
  return new ArchiveError('ERR_ARCHIVE_DAMAGED', `The archive is damaged: ${what}`, {}, { cause });
}
