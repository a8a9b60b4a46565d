import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { measureDisk } from '../../../runtimes/wasi/limits/disk-usage.ts';
import { E, Guest, O, volume } from './guest.ts';

describe('the disk quota', () => {
  let place: ReturnType<typeof volume>;
  beforeEach(() => (place = volume()));
  afterEach(() => place.done());
  const guestWith = (bytes: number, entries = 100): Guest =>
    new Guest({ preopens: [{ hostPath: place.root, guestPath: '/' }], quota: { bytes, entries } });

  it('lets a write through as far as it fits, then says that the disk is full', () => {
    const guest = guestWith(10);
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT });
    expect(guest.write(fd, 'hello w')).toEqual({ errno: 0, length: 7 });
    expect(guest.write(fd, 'orld!')).toEqual({ errno: 0, length: 3 });
    expect(guest.write(fd, '!').errno).toBe(E.NOSPC);
    expect(fs.readFileSync(path.join(place.root, 'file'), 'utf8')).toBe('hello worl');
    expect(guest.call.fd_seek(fd, 0n, 0, 32)).toBe(0);
    expect(guest.write(fd, 'HELLO').errno).toBe(0);
  });

  it('counts what was there before, and holes', () => {
    fs.writeFileSync(path.join(place.root, 'old'), '123456');
    const guest = guestWith(10);
    expect(guest.quota.usedBytes).toBe(6);
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT });
    expect(guest.call.fd_filestat_set_size(fd, 5n)).toBe(E.NOSPC);
    expect(guest.call.fd_allocate(fd, 4n, 1n)).toBe(E.NOSPC);
    expect(guest.call.fd_seek(fd, 1n << 40n, 0, 32)).toBe(0);
    expect(guest.write(fd, 'x').errno).toBe(E.NOSPC);
    expect(guest.call.fd_filestat_set_size(fd, 4n)).toBe(0);
  });

  it('is paid back by truncation, and by removal once nobody has the file open', () => {
    const guest = guestWith(10);
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT });
    guest.write(fd, '1234567890');
    expect(guest.call.path_unlink_file(3, ...guest.text('file'))).toBe(0);
    const other = guest.open(3, 'other', { oflags: O.CREAT }).fd;
    expect(guest.write(other, 'x').errno).toBe(E.NOSPC);
    expect(guest.call.fd_close(fd)).toBe(0);
    expect(guest.write(other, '1234567890').length).toBe(10);
    guest.open(3, 'other', { oflags: O.TRUNC });
    expect(guest.quota.usedBytes).toBe(0);
  });

  it('counts a file of two names once, and pays it back with the last', () => {
    const guest = guestWith(10);
    const { fd } = guest.open(3, 'a', { oflags: O.CREAT });
    guest.write(fd, '12345');
    guest.call.fd_close(fd);
    guest.call.path_link(3, 0, ...guest.text('a'), 3, ...guest.text2('b'));
    expect(guestWith(10).quota.usedBytes).toBe(5);
    guest.call.path_unlink_file(3, ...guest.text('a'));
    expect(guest.quota.usedBytes).toBe(5);
    guest.call.path_unlink_file(3, ...guest.text('b'));
    expect(guest.quota.usedBytes).toBe(0);
  });

  it('counts names of every kind', () => {
    const guest = guestWith(1 << 20, 3);
    expect(guest.call.path_create_directory(3, ...guest.text('dir'))).toBe(0);
    expect(guest.call.path_symlink(...guest.text('x'), 3, ...guest.text2('link'))).toBe(0);
    expect(guest.open(3, 'dir/file', { oflags: O.CREAT }).errno).toBe(0);
    expect(guest.open(3, 'more', { oflags: O.CREAT }).errno).toBe(E.NOSPC);
    expect(guest.call.path_create_directory(3, ...guest.text('more'))).toBe(E.NOSPC);
    expect(guest.call.path_symlink(...guest.text('x'), 3, ...guest.text2('more'))).toBe(E.NOSPC);
    expect(guest.call.path_link(3, 0, ...guest.text('dir/file'), 3, ...guest.text2('more'))).toBe(E.NOSPC);
    expect(guest.open(3, 'dir/file', { oflags: O.CREAT }).errno).toBe(0);
    expect(guest.call.path_unlink_file(3, ...guest.text('link'))).toBe(0);
    expect(guest.open(3, 'more', { oflags: O.CREAT }).errno).toBe(0);
  });

  it('keeps the sum that is on the disk, whatever is done', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd/a', 'd/b');
    const step = fc.oneof(
      fc.record({
        do: fc.constant('write' as const),
        name,
        at: fc.nat(3000),
        length: fc.nat(2000),
        keep: fc.boolean(),
      }),
      fc.record({ do: fc.constant('resize' as const), name, length: fc.nat(3000) }),
      fc.record({ do: fc.constant('unlink' as const), name }),
      fc.record({ do: fc.constant('rename' as const), name, to: name }),
      fc.record({ do: fc.constant('link' as const), name, to: name }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        fs.rmSync(place.root, { recursive: true });
        fs.mkdirSync(path.join(place.root, 'd'), { recursive: true });
        const guest = guestWith(5000);
        const opened: number[] = [];
        for (const action of steps) {
          const at = guest.text(action.name);
          if (action.do === 'unlink') guest.call.path_unlink_file(3, ...at);
          if (action.do === 'rename') guest.call.path_rename(3, ...at, 3, ...guest.text2(action.to));
          if (action.do === 'link') guest.call.path_link(3, 0, ...at, 3, ...guest.text2(action.to));
          if (action.do !== 'write' && action.do !== 'resize') continue;
          const { fd } = guest.open(3, action.name, { oflags: O.CREAT });
          if (action.do === 'resize') guest.call.fd_filestat_set_size(fd, BigInt(action.length));
          else guest.call.fd_pwrite(fd, ...guest.vector(20_000, action.length), BigInt(action.at), 32);
          if (action.do === 'write' && action.keep) opened.push(fd);
          else guest.call.fd_close(fd);
          expect(guest.quota.usedBytes).toBeLessThanOrEqual(5000);
        }
        for (const fd of opened) guest.call.fd_close(fd);
        expect(guest.quota.usedBytes).toBe((await measureDisk(place.root)).bytes);
        expect(guest.quota.usedEntries).toBe(fs.readdirSync(place.root, { recursive: true }).length);
      }),
      { numRuns: 100 },
    );
  });
});
