import { gzipSync } from 'node:zlib';
import type { ArchiveErrorCode, ArchiveLimits } from '../../src/transfer/archive/index.ts';
import { tarOf, zipOf } from './archives.ts';

/** One that is to be refused whole, whoever unpacks it. */
export interface HostileArchive {
  readonly archive: () => Buffer;
  readonly code: ArchiveErrorCode;
  /** Tighter than usual, so that the archive can be small; it is no bomb without them. */
  readonly limits?: Partial<ArchiveLimits>;
}

const many = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `f${index}` }));

const ok = { name: 'first.txt', content: 'harmless' };
const zeros = (bytes: number): Buffer => Buffer.alloc(bytes);

/** Made for a target that has room for 8 MiB. */
export const HOSTILE_ARCHIVES: Readonly<Record<string, HostileArchive>> = {
  'tar slip': { archive: () => tarOf([ok, { name: '../outside' }]), code: 'ERR_ARCHIVE_PATH' },
  'tar slip in the middle': {
    archive: () => tarOf([ok, { name: 'a/../../outside' }]),
    code: 'ERR_ARCHIVE_PATH',
  },
  'tar with an absolute name': { archive: () => tarOf([ok, { name: '/tmp/x' }]), code: 'ERR_ARCHIVE_PATH' },
  'tar slip by a long name': {
    archive: () => tarOf([ok, { name: `${'d/'.repeat(60)}../../x` }]),
    code: 'ERR_ARCHIVE_PATH',
  },
  'tar with a control character': {
    archive: () => tarOf([ok, { name: 'a\nb' }]),
    code: 'ERR_ARCHIVE_PATH',
  },
  'tar with a backslash': { archive: () => tarOf([ok, { name: '..\\x' }]), code: 'ERR_ARCHIVE_PATH' },
  'a huge name': { archive: () => tarOf([ok, { name: 'n'.repeat(5000) }]), code: 'ERR_ARCHIVE_PATH' },
  'a name too long for a file': {
    archive: () => tarOf([ok, { name: 'n'.repeat(300) }]),
    code: 'ERR_ARCHIVE_PATH',
  },
  'a huge name of nine megabytes': {
    archive: () => tarOf([ok, { name: 'n'.repeat(9 << 20) }]),
    code: 'ERR_ARCHIVE_DAMAGED',
  },
  'a symbolic link': {
    archive: () => tarOf([ok, { name: 'link', type: '2', linkName: '/etc/passwd' }]),
    code: 'ERR_ARCHIVE_ENTRY_TYPE',
  },
  'a symbolic link and a file through it': {
    archive: () =>
      tarOf([ok, { name: 'link', type: '2', linkName: '../..' }, { name: 'link/outside', content: 'x' }]),
    code: 'ERR_ARCHIVE_ENTRY_TYPE',
  },
  'a hard link': {
    archive: () => tarOf([ok, { name: 'hard', type: '1', linkName: 'first.txt' }]),
    code: 'ERR_ARCHIVE_ENTRY_TYPE',
  },
  'a character device': {
    archive: () => tarOf([ok, { name: 'null', type: '3' }]),
    code: 'ERR_ARCHIVE_ENTRY_TYPE',
  },
  'a block device': {
    archive: () => tarOf([ok, { name: 'sda', type: '4' }]),
    code: 'ERR_ARCHIVE_ENTRY_TYPE',
  },
  'a pipe': { archive: () => tarOf([ok, { name: 'fifo', type: '6' }]), code: 'ERR_ARCHIVE_ENTRY_TYPE' },
  'the same name twice': { archive: () => tarOf([ok, ok]), code: 'ERR_ARCHIVE_DUPLICATE' },
  'names that differ in case': {
    archive: () => tarOf([ok, { name: 'FIRST.txt' }]),
    code: 'ERR_ARCHIVE_DUPLICATE',
  },
  'directories that differ in case': {
    archive: () => tarOf([{ name: 'a/x' }, { name: 'A/y' }]),
    code: 'ERR_ARCHIVE_DUPLICATE',
  },
  'names that differ in their encoding': {
    archive: () => tarOf([{ name: 'caf\u00e9' }, { name: 'cafe\u0301' }]),
    code: 'ERR_ARCHIVE_DUPLICATE',
  },
  'a file where a directory was': {
    archive: () => tarOf([{ name: 'a/b' }, { name: 'a' }]),
    code: 'ERR_ARCHIVE_DUPLICATE',
  },
  'a bomb by ratio': {
    archive: () => gzipSync(tarOf([ok, { name: 'zeros', content: zeros(4 << 20) }])),
    limits: { maxRatio: 100, ratioFreeBytes: 1 << 20 },
    code: 'ERR_ARCHIVE_RATIO',
  },
  'a bomb in what is no file': {
    archive: () =>
      gzipSync(tarOf(Array.from({ length: 8 }, () => ({ name: 'g', type: 'x', content: zeros(1 << 20) })))),
    limits: { maxRatio: 100, ratioFreeBytes: 1 << 20 },
    code: 'ERR_ARCHIVE_RATIO',
  },
  'a bomb by ratio, in a zip': {
    archive: () => zipOf([ok, { name: 'zeros', content: zeros(64 << 20) }]),
    code: 'ERR_ARCHIVE_RATIO',
  },
  'a bomb by size': {
    archive: () => gzipSync(tarOf([ok, { name: 'zeros', content: zeros(9 << 20) }])),
    code: 'ERR_ARCHIVE_TOO_LARGE',
  },
  'a bomb by count': {
    archive: () => tarOf(many(40)),
    limits: { maxEntries: 39 },
    code: 'ERR_ARCHIVE_TOO_MANY',
  },
  'a bomb of empty files': {
    archive: () => tarOf(many(40)),
    limits: { maxBytes: 100_000 },
    code: 'ERR_ARCHIVE_TOO_LARGE',
  },
  'a bomb by depth': {
    archive: () => tarOf([ok, { name: `${'d/'.repeat(64)}x` }]),
    code: 'ERR_ARCHIVE_TOO_DEEP',
  },
  'a tar cut in a file': {
    archive: () => tarOf([ok, { name: 'cut', content: zeros(2000) }], Buffer.alloc(0)).subarray(0, 2500),
    code: 'ERR_ARCHIVE_DAMAGED',
  },
  'a tar without its end': { archive: () => tarOf([ok], Buffer.alloc(0)), code: 'ERR_ARCHIVE_DAMAGED' },
  'a tar with a wrong checksum': {
    archive: () => tarOf([ok, { name: 'x', badChecksum: true }]),
    code: 'ERR_ARCHIVE_DAMAGED',
  },
  'a tar with a size beyond all': {
    archive: () => tarOf([ok, { name: 'x', sizeBytes: 0o77777777777 }]),
    code: 'ERR_ARCHIVE_TOO_LARGE',
  },
  'a gzip that is cut': {
    archive: () => gzipSync(tarOf([ok, { name: 'x', content: zeros(5000) }])).subarray(0, 60),
    code: 'ERR_ARCHIVE_DAMAGED',
  },
  'a gzip with a wrong checksum': {
    archive: () => {
      const bytes = gzipSync(tarOf([ok]));
      bytes[bytes.length - 8] = (bytes[bytes.length - 8] ?? 0) ^ 1;
      return bytes;
    },
    code: 'ERR_ARCHIVE_DAMAGED',
  },
  'no archive at all': {
    archive: () => Buffer.from('<html>404 not found</html>'),
    code: 'ERR_ARCHIVE_FORMAT',
  },
  'an empty file': { archive: () => Buffer.alloc(0), code: 'ERR_ARCHIVE_FORMAT' },
  'zip slip': { archive: () => zipOf([ok, { name: '../outside' }]), code: 'ERR_ARCHIVE_PATH' },
  'zip slip by backslash': { archive: () => zipOf([ok, { name: '..\\outside' }]), code: 'ERR_ARCHIVE_PATH' },
  'zip with an absolute name': { archive: () => zipOf([ok, { name: '/etc/x' }]), code: 'ERR_ARCHIVE_PATH' },
  'zip with a drive letter': { archive: () => zipOf([ok, { name: 'C:x' }]), code: 'ERR_ARCHIVE_PATH' },
  'zip with a symbolic link': {
    archive: () => zipOf([ok, { name: 'link', mode: 0o120777, content: '/etc/passwd' }]),
    code: 'ERR_ARCHIVE_ENTRY_TYPE',
  },
  'zip with a device': {
    archive: () => zipOf([ok, { name: 'dev', mode: 0o020666 }]),
    code: 'ERR_ARCHIVE_ENTRY_TYPE',
  },
  'zip with a wrong checksum': {
    archive: () => zipOf([ok, { name: 'x', content: 'abc', crc: 7 }]),
    code: 'ERR_ARCHIVE_DAMAGED',
  },
  'zip that lies about a size': {
    archive: () => zipOf([ok, { name: 'x', content: zeros(1 << 20), sizeBytes: 10 }]),
    code: 'ERR_ARCHIVE_DAMAGED',
  },
  'zip that is cut': {
    archive: () => zipOf([ok, { name: 'x' }]).subarray(0, 80),
    code: 'ERR_ARCHIVE_DAMAGED',
  },
  'zip with encryption': {
    archive: () => zipOf([ok, { name: 'x', flags: 1 }]),
    code: 'ERR_ARCHIVE_UNSUPPORTED',
  },
  'zip with an unknown method': {
    archive: () => zipOf([ok, { name: 'x', method: 14 }]),
    code: 'ERR_ARCHIVE_UNSUPPORTED',
  },
  'zip with the same name twice': { archive: () => zipOf([ok, ok]), code: 'ERR_ARCHIVE_DUPLICATE' },
  'zip whose entries share their data': {
    archive: () => {
      const content = zeros(1 << 20);
      return zipOf([
        { name: 'kernel', content },
        ...Array.from({ length: 7 }, (_, index) => ({ name: `again${index}`, content, sameDataAs: 0 })),
      ]);
    },
    limits: { maxRatio: 100, ratioFreeBytes: 1 << 20 },
    code: 'ERR_ARCHIVE_RATIO',
  },
  'a sparse file': {
    archive: () => tarOf([{ name: 'p', type: 'x', content: '22 GNU.sparse.major=1\n' }, ok]),
    code: 'ERR_ARCHIVE_UNSUPPORTED',
  },
  'a sparse file as GNU tar writes it': {
    archive: () => tarOf([ok, { name: 'holes', type: 'S', content: 'a part of it' }]),
    code: 'ERR_ARCHIVE_UNSUPPORTED',
  },
  'a part of a file that goes on in another archive, behind a long name': {
    archive: () =>
      tarOf([
        { name: 'n'.repeat(150), content: zeros(700) },
        { name: 'part', type: 'M' },
      ]),
    code: 'ERR_ARCHIVE_UNSUPPORTED',
  },
  'an unknown kind behind a size that the header has no room for': {
    archive: () =>
      tarOf([
        { name: 'p', type: 'x', content: '13 size=1000\n' },
        { name: 'long', content: zeros(1000), sizeBytes: 0 },
        { name: 'label', type: 'V' },
      ]),
    code: 'ERR_ARCHIVE_UNSUPPORTED',
  },
};
