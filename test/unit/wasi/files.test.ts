import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DATA, E, O, RESULT_AT, guestForEach, volume, Guest, type Volume } from './guest.ts';

const APPEND = 1;

describe('files of a guest', () => {
  let guest: Guest;
  let place: Volume;
  guestForEach('/data', (made) => ({ guest, place } = made));
  const onHost = (name: string): string => fs.readFileSync(path.join(place.root, name), 'utf8');

  it('are written, overwritten in the middle, appended to and read', () => {
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT });
    guest.write(fd, 'hello world');
    expect(guest.call.fd_seek(fd, 6n, 0, RESULT_AT)).toBe(0);
    guest.write(fd, 'W');
    expect(onHost('file')).toBe('hello World');
    const appending = guest.open(3, 'file', { flags: APPEND }).fd;
    guest.write(appending, '!');
    expect(guest.call.fd_pwrite(appending, ...guest.vector(DATA, 1), 0n, RESULT_AT)).toBe(0);
    expect(onHost('file')).toBe('hello World!!');
    expect(guest.call.fd_tell(fd, RESULT_AT)).toBe(0);
    expect(guest.result64()).toBe(7n);
    expect(guest.read(fd).text).toBe('orld!!');
  });

  it('are read and written through several buffers, up to the end', () => {
    fs.writeFileSync(path.join(place.root, 'file'), 'abcdef');
    const { fd } = guest.open(3, 'file');
    for (const [i, [pointer, length]] of [
      [DATA, 2],
      [DATA + 100, 0],
      [DATA + 200, 9],
    ].entries()) {
      guest.view.setUint32(64 + 8 * i, pointer!, true);
      guest.view.setUint32(64 + 8 * i + 4, length!, true);
    }
    expect(guest.call.fd_read(fd, 64, 3, RESULT_AT)).toBe(0);
    expect(guest.result32()).toBe(6);
    expect(Buffer.from(guest.bytes.subarray(DATA, DATA + 2)).toString()).toBe('ab');
    expect(Buffer.from(guest.bytes.subarray(DATA + 200, DATA + 204)).toString()).toBe('cdef');
  });

  it('are truncated on opening and by size, and never to a negative one', () => {
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT });
    guest.write(fd, 'some text');
    expect(guest.call.fd_filestat_set_size(fd, 4n)).toBe(0);
    expect(onHost('file')).toBe('some');
    expect(guest.call.fd_filestat_set_size(fd, -1n)).toBe(E.INVAL);
    expect(guest.call.fd_allocate(fd, 2n, 8n)).toBe(0);
    expect(onHost('file')).toBe('some\0\0\0\0\0\0');
    expect(guest.call.fd_allocate(fd, 0n, 0n)).toBe(E.INVAL);
    guest.open(3, 'file', { oflags: O.TRUNC });
    expect(onHost('file')).toBe('');
  });

  it('refuse offsets that no file has', () => {
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT });
    expect(guest.call.fd_seek(fd, -1n, 0, RESULT_AT)).toBe(E.INVAL);
    expect(guest.call.fd_seek(fd, 2n ** 62n, 0, RESULT_AT)).toBe(E.INVAL);
    expect(guest.call.fd_seek(fd, 0n, 3, RESULT_AT)).toBe(E.INVAL);
    expect(guest.call.fd_pread(fd, ...guest.vector(DATA, 1), -1n, RESULT_AT)).toBe(E.INVAL);
    expect(guest.call.fd_pwrite(fd, ...guest.vector(DATA, 1), 2n ** 63n - 1n, RESULT_AT)).toBe(E.INVAL);
  });

  it('keep the times that were set, to the nanosecond', () => {
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT });
    expect(guest.call.fd_filestat_set_times(fd, 1_234_567_890_123_456_789n, 42n, 1 | 4)).toBe(0);
    guest.call.path_filestat_get(3, 0, ...guest.text('file'), RESULT_AT);
    expect(guest.view.getBigUint64(RESULT_AT + 40, true)).toBe(1_234_567_890_123_456_789n);
    expect(guest.view.getBigUint64(RESULT_AT + 48, true)).toBe(42n);
    expect(guest.call.fd_filestat_set_times(fd, 0n, 0n, 1 | 2)).toBe(E.INVAL);
    expect(guest.call.fd_filestat_set_times(fd, 0n, 0n, 16)).toBe(E.INVAL);
    expect(guest.call.path_filestat_set_times(3, 0, ...guest.text('file'), 0n, 0n, 2 | 8)).toBe(0);
    guest.call.fd_filestat_get(fd, RESULT_AT);
    expect(guest.view.getBigUint64(RESULT_AT + 40, true)).toBe(1_700_000_000_123_456_789n);
  });

  it('are as many as the host can hold open, and no more', () => {
    const before = fs.readdirSync('/proc/self/fd').length;
    let opened = 0;
    let errno = 0;
    for (; errno === 0; opened++) errno = guest.open(3, 'file', { oflags: O.CREAT }).errno;
    expect(errno).toBe(E.MFILE);
    expect(opened).toBeLessThanOrEqual(1024);
    for (let fd = 4; fd < 1100; fd++) guest.call.fd_close(fd);
    expect(fs.readdirSync('/proc/self/fd')).toHaveLength(before);
  });

  it('move to the number that they are given', () => {
    const a = guest.open(3, 'a', { oflags: O.CREAT }).fd;
    const b = guest.open(3, 'b', { oflags: O.CREAT }).fd;
    expect(guest.call.fd_renumber(a, b)).toBe(0);
    guest.write(b, 'to a');
    expect(onHost('a')).toBe('to a');
    expect(guest.call.fd_close(a)).toBe(E.BADF);
    expect(guest.call.fd_renumber(b, 99)).toBe(E.BADF);
    expect(guest.call.fd_renumber(b, b)).toBe(0);
  });

  it('are linked, renamed over each other and removed', () => {
    guest.write(guest.open(3, 'a', { oflags: O.CREAT }).fd, 'a');
    guest.write(guest.open(3, 'b', { oflags: O.CREAT }).fd, 'b');
    expect(guest.call.path_link(3, 0, ...guest.text('a'), 3, ...guest.text2('c'))).toBe(0);
    expect(guest.call.path_rename(3, ...guest.text('a'), 3, ...guest.text2('b'))).toBe(0);
    expect(fs.readdirSync(place.root).sort()).toEqual(['b', 'c']);
    expect(onHost('b')).toBe('a');
    expect(guest.call.path_unlink_file(3, ...guest.text('c'))).toBe(0);
    expect(guest.call.path_unlink_file(3, ...guest.text('c'))).toBe(E.NOENT);
    expect(guest.call.path_rename(3, ...guest.text('.'), 3, ...guest.text2('x'))).toBe(E.BUSY);
  });

  it('has the name of the preopen, and no other', () => {
    expect(guest.call.fd_prestat_get(3, RESULT_AT)).toBe(0);
    expect(guest.view.getUint32(RESULT_AT + 4, true)).toBe(5);
    expect(guest.call.fd_prestat_dir_name(3, 512, 4)).toBe(E.NAMETOOLONG);
    expect(guest.call.fd_prestat_dir_name(3, 512, 5)).toBe(0);
    expect(Buffer.from(guest.bytes.subarray(512, 517)).toString()).toBe('/data');
    expect(guest.call.fd_prestat_get(4, RESULT_AT)).toBe(E.BADF);
    expect(guest.call.fd_prestat_get(0, RESULT_AT)).toBe(E.BADF);
  });

  it('are written through where they were opened so', () => {
    const statusFlags = (flags: number): number => {
      const { fd } = guest.open(3, 'sync', { oflags: O.CREAT, flags });
      const entry = guest.host.descriptors.find(fd);
      const info = fs.readFileSync(`/proc/self/fdinfo/${String(entry?.hostFd)}`, 'utf8');
      return parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '', 8);
    };
    const { O_DSYNC, O_SYNC } = fs.constants;
    expect(statusFlags(0) & O_SYNC).toBe(0);
    expect(statusFlags(2) & O_SYNC).toBe(O_DSYNC);
    expect([statusFlags(8) & O_SYNC, statusFlags(16) & O_SYNC]).toEqual([O_SYNC, O_SYNC]);
  });
});

describe('directories of a guest', () => {
  let guest: Guest;
  let place: Volume;
  guestForEach('/', (made) => ({ guest, place } = made));

  /** Reads a listing with a buffer of this size, going on after the last entry that came whole. */
  function list(bufferSize: number): string[] {
    const names: string[] = [];
    for (let cookie = 0n; ;) {
      expect(guest.call.fd_readdir(3, DATA, bufferSize, cookie, RESULT_AT)).toBe(0);
      const used = guest.result32();
      let at = DATA;
      while (at + 24 <= DATA + used) {
        const length = guest.view.getUint32(at + 16, true);
        if (at + 24 + length > DATA + used) break;
        names.push(Buffer.from(guest.bytes.subarray(at + 24, at + 24 + length)).toString());
        cookie = guest.view.getBigUint64(at, true);
        at += 24 + length;
      }
      if (used < bufferSize) return names;
    }
  }

  it('are listed whole and in the order of their names, however small the buffer', () => {
    for (let i = 0; i < 100; i++) fs.writeFileSync(path.join(place.root, `file-${i}`), '');
    const expected = ['.', '..', ...Array.from({ length: 100 }, (_, i) => `file-${i}`)].sort();
    expect(list(65_536)).toEqual(expected);
    expect(list(64)).toEqual(expected);
  });

  it('answer a cookie that was never given with nothing', () => {
    expect(guest.call.fd_readdir(3, DATA, 100, -1n, RESULT_AT)).toBe(0);
    expect(guest.result32()).toBe(0);
    expect(guest.call.fd_readdir(3, DATA, 100, 2n ** 62n, RESULT_AT)).toBe(0);
    expect(guest.result32()).toBe(0);
  });

  it('are made and removed, when empty', () => {
    expect(guest.call.path_create_directory(3, ...guest.text('dir'))).toBe(0);
    expect(guest.call.path_create_directory(3, ...guest.text('dir'))).toBe(E.EXIST);
    fs.writeFileSync(path.join(place.root, 'dir/file'), '');
    expect(guest.call.path_remove_directory(3, ...guest.text('dir'))).toBe(E.NOTEMPTY);
    expect(guest.call.path_remove_directory(3, ...guest.text('dir/file'))).toBe(E.NOTDIR);
    fs.rmSync(path.join(place.root, 'dir/file'));
    expect(guest.call.path_remove_directory(3, ...guest.text('dir/'))).toBe(0);
  });
});

describe('preview0', () => {
  it('has its own numbers and layouts', () => {
    const place = volume();
    const guest = new Guest({
      preopens: [{ hostPath: place.root, guestPath: '/' }],
      namespace: 'wasi_unstable',
    });
    const { fd } = guest.open(3, 'file', { oflags: O.CREAT });
    guest.write(fd, '12345');
    const END = 1;
    expect(guest.call.fd_seek(fd, -2n, END, RESULT_AT)).toBe(0);
    expect(guest.result64()).toBe(3n);
    guest.bytes.fill(0xee, RESULT_AT, RESULT_AT + 64);
    expect(guest.call.fd_filestat_get(fd, RESULT_AT)).toBe(0);
    expect(guest.view.getUint32(RESULT_AT + 20, true)).toBe(1);
    expect(guest.view.getBigUint64(RESULT_AT + 24, true)).toBe(5n);
    expect(guest.view.getUint8(RESULT_AT + 56)).toBe(0xee);
    place.done();
  });
});
