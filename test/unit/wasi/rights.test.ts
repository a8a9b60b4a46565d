import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RIGHT } from '../../../runtimes/wasi/host/rights.ts';
import { E, O, RESULT_AT, guestForEach, type Guest } from './guest.ts';

const TIMES = [5n, 6n, 1 | 4] as const;
const R = {
  READ: RIGHT.FD_READ,
  WRITE: RIGHT.FD_WRITE,
  FILESTAT_GET: RIGHT.FD_FILESTAT_GET,
  PATH_OPEN: RIGHT.PATH_OPEN,
};

describe('rights of a descriptor', () => {
  let guest: Guest;
  guestForEach(
    '/',
    (made) => ({ guest } = made),
    (root) => {
      fs.mkdirSync(path.join(root, 'dir'));
      fs.writeFileSync(path.join(root, 'dir/file'), 'inside');
    },
  );

  it('are asked for by every call of who named them one by one, and can only be given up', () => {
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT, rights: R.READ | R.FILESTAT_GET });
    expect(guest.write(fd, 'x').errno).toBe(E.BADF);
    expect(guest.call.fd_filestat_set_size(fd, 1n)).toBe(E.INVAL);
    expect(guest.call.fd_filestat_set_times(fd, ...TIMES)).toBe(E.NOTCAPABLE);
    expect(guest.call.fd_allocate(fd, 0n, 1n)).toBe(E.NOTCAPABLE);
    expect(guest.call.fd_seek(fd, 0n, 0, RESULT_AT)).toBe(E.NOTCAPABLE);
    expect(guest.call.fd_fdstat_set_rights(fd, R.READ | R.WRITE, 0n)).toBe(E.NOTCAPABLE);
    expect(guest.call.fd_fdstat_set_rights(fd, 0n, 0n)).toBe(0);
    expect(guest.read(fd).errno).toBe(E.BADF);
  });

  it('go along with reading and writing for who named no others', () => {
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT, rights: R.READ | R.WRITE, inheriting: 0n });
    expect(guest.write(fd, 'x').errno).toBe(0);
    expect(guest.call.fd_filestat_set_size(fd, 9n)).toBe(0);
    expect(guest.call.fd_allocate(fd, 0n, 20n)).toBe(0);
    expect(guest.call.fd_filestat_set_times(fd, ...TIMES)).toBe(0);
    expect(guest.call.fd_seek(fd, 0n, 0, RESULT_AT)).toBe(0);
    const read = guest.open(3, 'file', { rights: R.READ }).fd;
    expect(guest.call.fd_seek(read, 0n, 0, RESULT_AT)).toBe(0);
    expect(guest.write(read, 'x').errno).toBe(E.BADF);
    expect(guest.call.fd_filestat_set_size(read, 9n)).toBe(E.INVAL);
    const nothing = guest.open(3, 'file', { rights: 0n }).fd;
    expect(guest.read(nothing).errno).toBe(E.BADF);
    expect(guest.call.fd_seek(nothing, 0n, 0, RESULT_AT)).toBe(0);
  });

  it('of a directory that was opened with none are those of the one above, and no more', () => {
    const { fd } = guest.open(3, 'dir', { oflags: O.DIRECTORY, rights: 0n, inheriting: 0n });
    expect(guest.call.path_create_directory(fd, ...guest.text('made'))).toBe(0);
    expect(guest.contents(fd, 'made/../file')).toBe('inside');
    expect(guest.call.fd_fdstat_set_rights(fd, R.PATH_OPEN, R.READ)).toBe(0);
    const below = guest.open(fd, 'made', { oflags: O.DIRECTORY, rights: 0n, inheriting: 0n }).fd;
    expect(guest.open(below, 'x', { oflags: O.CREAT, rights: R.WRITE }).errno).toBe(E.NOTCAPABLE);
    const named = guest.open(3, 'dir', { oflags: O.DIRECTORY, rights: R.PATH_OPEN }).fd;
    expect(guest.call.path_create_directory(named, ...guest.text('more'))).toBe(E.NOTCAPABLE);
  });

  it('of a directory below which files may be opened let them be cut off, until that is given up', () => {
    const rights = R.PATH_OPEN | RIGHT.PATH_CREATE_FILE;
    const { fd } = guest.open(3, 'dir', { oflags: O.DIRECTORY, rights });
    expect(guest.open(fd, 'file', { oflags: O.CREAT | O.TRUNC, rights: R.WRITE }).errno).toBe(0);
    expect(guest.call.fd_fdstat_set_rights(fd, rights, R.WRITE)).toBe(0);
    expect(guest.open(fd, 'file', { oflags: O.TRUNC, rights: R.WRITE }).errno).toBe(E.NOTCAPABLE);
  });
});
