import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { E, O, RESULT_AT, guestForEach, type Guest, type Volume } from './guest.ts';

describe('paths of a guest', () => {
  let guest: Guest;
  let place: Volume;
  guestForEach(
    '/',
    (made) => ({ guest, place } = made),
    (root) => {
      fs.mkdirSync(path.join(root, 'dir'));
      fs.writeFileSync(path.join(root, 'dir/file'), 'inside');
    },
  );

  it.each(['dir/file', './dir/./file', 'dir/../dir/file', 'dir//file', 'dir/../dir/../dir/file'])(
    'resolves %s below the directory',
    (name) => expect(guest.contents(3, name)).toBe('inside'),
  );

  it.each([
    '..',
    '../secret',
    'dir/../../secret',
    './../secret',
    'dir/./../../inside/dir/file',
    '../inside/dir/file',
  ])('lets no `..` out: %s', (name) => expect(guest.contents(3, name)).toBe(E.NOTCAPABLE));

  it('takes no absolute path', () => {
    expect(guest.contents(3, '/etc/passwd')).toBe(E.NOTCAPABLE);
    expect(guest.contents(3, path.join(place.root, 'dir/file'))).toBe(E.NOTCAPABLE);
  });

  it('refuses to make a symbolic link to an absolute path', () => {
    expect(guest.call.path_symlink(...guest.text('/etc'), 3, ...guest.text2('etc'))).toBe(E.NOTCAPABLE);
  });

  it('follows no link out, whoever made it and wherever in the path it stands', () => {
    fs.symlinkSync('../secret', path.join(place.root, 'relative'));
    fs.symlinkSync(path.join(place.outside, 'secret'), path.join(place.root, 'absolute'));
    fs.symlinkSync('..', path.join(place.root, 'up'));
    fs.symlinkSync('/', path.join(place.root, 'dir/root'));
    fs.symlinkSync('dir/root', path.join(place.root, 'chain'));
    for (const name of ['relative', 'absolute', 'up/secret', 'dir/root/etc/passwd', 'chain/etc/passwd']) {
      expect(guest.contents(3, name)).toBe(E.NOTCAPABLE);
      expect(guest.open(3, name, { oflags: O.CREAT, rights: 64n }).errno).toBe(E.NOTCAPABLE);
    }
    expect(fs.readFileSync(path.join(place.outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('follows links that stay inside', () => {
    expect(guest.call.path_symlink(...guest.text('dir'), 3, ...guest.text2('link'))).toBe(0);
    expect(guest.call.path_symlink(...guest.text('../dir/file'), 3, ...guest.text2('dir/again'))).toBe(0);
    expect(guest.contents(3, 'link/file')).toBe('inside');
    expect(guest.contents(3, 'dir/again')).toBe('inside');
    expect(guest.open(3, 'link', { follow: false }).errno).toBe(E.LOOP);
  });

  it('gives up on a circle of links', () => {
    fs.symlinkSync('b', path.join(place.root, 'a'));
    fs.symlinkSync('a', path.join(place.root, 'b'));
    expect(guest.contents(3, 'a')).toBe(E.LOOP);
    expect(guest.contents(3, 'a/x')).toBe(E.LOOP);
  });

  it('keeps a directory that was opened, when its path is swapped for a link', () => {
    const { fd } = guest.open(3, 'dir', { oflags: O.DIRECTORY });
    fs.renameSync(path.join(place.root, 'dir'), path.join(place.root, 'moved'));
    fs.symlinkSync('/etc', path.join(place.root, 'dir'));
    expect(guest.contents(fd, 'file')).toBe('inside');
    expect(guest.contents(fd, '../secret')).toBe(E.NOTCAPABLE);
    expect(guest.contents(3, 'dir/passwd')).toBe(E.NOTCAPABLE);
  });

  it('goes no higher through a directory than it came in by', () => {
    const { fd } = guest.open(3, 'dir', { oflags: O.DIRECTORY });
    expect(guest.contents(fd, '../dir/file')).toBe(E.NOTCAPABLE);
  });

  it.each([
    ['', E.NOENT],
    ['x'.repeat(256), E.NAMETOOLONG],
    ['dir/'.repeat(1100), E.NAMETOOLONG],
    ['dir/file/x', E.NOTDIR],
    ['nothing/x', E.NOENT],
    ['dir/file/', E.NOTDIR],
    ['a\0b', E.ILSEQ],
  ])('says what is wrong with %j', (name, errno) => expect(guest.contents(3, name)).toBe(errno));

  it('refuses names that are no UTF-8', () => {
    guest.bytes.set([0x66, 0xff, 0xfe], 1024);
    expect(guest.call.path_unlink_file(3, 1024, 3)).toBe(E.ILSEQ);
  });

  it('opens nothing but files and directories', () => {
    const { execFileSync } = process.getBuiltinModule('node:child_process');
    execFileSync('mkfifo', [path.join(place.root, 'pipe')]);
    expect(guest.contents(3, 'pipe')).toBe(E.NOTSUP);
  });

  it('reads a link without following it', () => {
    fs.symlinkSync('/anywhere', path.join(place.root, 'link'));
    expect(guest.call.path_readlink(3, ...guest.text('link'), 4096, 4, RESULT_AT)).toBe(0);
    expect(guest.result32()).toBe(4);
    expect(Buffer.from(guest.bytes.subarray(4096, 4100)).toString()).toBe('/any');
  });

  it('follow a link in the last place when a slash asks for what it leads to', () => {
    fs.symlinkSync('dir', path.join(place.root, 'to-dir'));
    fs.symlinkSync('dir/file', path.join(place.root, 'to-file'));
    const type = (name: string): number => {
      const errno = guest.call.path_filestat_get(3, 0, ...guest.text(name), 256);
      return errno === 0 ? guest.view.getUint8(256 + 16) : -errno;
    };
    expect([type('to-dir'), type('to-dir/'), type('to-file/'), type('dir/')]).toEqual([7, 3, -E.NOTDIR, 3]);
    expect(guest.open(3, 'to-dir/', { oflags: O.DIRECTORY, follow: false }).errno).toBe(0);
    expect(guest.open(3, 'to-dir', { oflags: O.DIRECTORY, follow: false }).errno).toBe(E.NOTDIR);
    expect(guest.call.path_unlink_file(3, ...guest.text('to-file/'))).toBe(E.NOTDIR);
    expect(guest.call.path_remove_directory(3, ...guest.text('to-dir/'))).toBe(E.NOTDIR);
  });
});
