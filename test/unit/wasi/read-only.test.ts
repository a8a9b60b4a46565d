import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { E, Guest, O, RESULT_AT, volume } from './guest.ts';

const TIMES = [5n, 6n, 1 | 4] as const;

describe('a read-only preopen', () => {
  let place: ReturnType<typeof volume>;
  let writable: ReturnType<typeof volume>;
  let guest: Guest;
  beforeEach(() => {
    place = volume();
    writable = volume();
    fs.mkdirSync(path.join(place.root, 'dir'));
    fs.writeFileSync(path.join(place.root, 'file'), 'kept');
    fs.utimesSync(path.join(place.root, 'file'), 1000, 1000);
    guest = new Guest({
      preopens: [
        { hostPath: place.root, guestPath: '/ro', readOnly: true },
        { hostPath: writable.root, guestPath: '/rw' },
      ],
    });
  });
  afterEach(() => {
    expect(fs.readFileSync(path.join(place.root, 'file'), 'utf8')).toBe('kept');
    expect(fs.statSync(path.join(place.root, 'file')).mtimeMs).toBe(1_000_000);
    expect(fs.readdirSync(place.root).sort()).toEqual(['dir', 'file']);
    expect(guest.faults).toEqual([]);
    place.done();
    writable.done();
  });

  it('can be read', () => {
    expect(guest.contents(3, 'file')).toBe('kept');
    expect(guest.call.fd_readdir(3, 4096, 4096, 0n, RESULT_AT)).toBe(0);
  });

  it('opens nothing for writing, also not through a directory opened in it', () => {
    const { fd } = guest.open(3, 'dir', { oflags: O.DIRECTORY, rights: 1n << 13n });
    expect(guest.open(3, 'file', { rights: 64n }).errno).toBe(E.ROFS);
    expect(guest.open(3, 'file', { oflags: O.TRUNC, rights: 2n }).errno).toBe(E.ROFS);
    expect(guest.open(3, 'new', { oflags: O.CREAT, rights: 2n }).errno).toBe(E.ROFS);
    expect(guest.open(fd, 'new', { oflags: O.CREAT, rights: 2n }).errno).toBe(E.NOTCAPABLE);
  });

  it('changes no times, by path or by descriptor', () => {
    const { fd } = guest.open(3, 'file', { rights: 2n | (1n << 23n) });
    expect(guest.call.fd_filestat_set_times(fd, ...TIMES)).toBe(E.ROFS);
    expect(guest.call.fd_filestat_set_times(3, ...TIMES)).toBe(E.ROFS);
    expect(guest.call.path_filestat_set_times(3, 1, ...guest.text('file'), ...TIMES)).toBe(E.ROFS);
  });

  it('changes no names', () => {
    const name = guest.text('dir/x');
    expect(guest.call.path_create_directory(3, ...name)).toBe(E.ROFS);
    expect(guest.call.path_symlink(...guest.text('y'), 3, ...guest.text2('x'))).toBe(E.ROFS);
    expect(guest.call.path_unlink_file(3, ...guest.text('file'))).toBe(E.ROFS);
    expect(guest.call.path_remove_directory(3, ...guest.text('dir'))).toBe(E.ROFS);
    expect(guest.call.path_rename(3, ...guest.text('file'), 4, ...guest.text2('x'))).toBe(E.ROFS);
    expect(guest.call.path_rename(4, ...guest.text('x'), 3, ...guest.text2('x'))).toBe(E.ROFS);
  });

  it('lends no file to a writable one by a hard link', () => {
    expect(guest.call.path_link(3, 0, ...guest.text('file'), 4, ...guest.text2('mine'))).toBe(E.ROFS);
  });
});
