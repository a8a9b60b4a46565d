export { copyTree } from './copy-tree.ts';
export { ArchiveError, archiveErrors, type ArchiveErrorCode } from './errors.ts';
export { extractArchive, type ExtractOptions } from './extract.ts';
export { detectFormat, type ArchiveFormat } from './format.ts';
export { ARCHIVE_LIMITS, type ArchiveLimits } from './limits.ts';
export { expectBeneath, packArchive, type PackOptions, type TreeOptions } from './pack.ts';
export type { FileSet, Selection } from './selection.ts';
