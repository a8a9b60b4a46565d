import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const IMAGE_SCRIPT = fileURLToPath(new URL('../../scripts/image.mjs', import.meta.url));

/** The daemon's image, built on a base image of this machine's own Node and its libraries: no registry is needed. */
export class DaemonImage {
  readonly tag: string;
  readonly base: string;

  constructor(tag: string) {
    this.tag = tag;
    this.base = `${tag}-base`;
  }

  build(): void {
    importBase(this.base);
    const args = [IMAGE_SCRIPT, '--base', this.base, '--tag', this.tag];
    const built = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`the image was not built:\n${built.stdout}${built.stderr}`);
  }

  remove(): void {
    spawnSync('docker', ['rmi', '-f', this.tag, this.base]);
  }
}

function importBase(tag: string): void {
  const tree = mkdtempSync(join(tmpdir(), 'ergon-base-'));
  const put = (from: string, to: string): void => {
    mkdirSync(dirname(join(tree, to)), { recursive: true });
    copyFileSync(realpathSync(from), join(tree, to));
  };
  put(process.execPath, '/usr/bin/node');
  for (const [library] of execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/\/[^ ]+/g))
    put(library, library);
  for (const applet of ['sh', 'mkfifo']) put('/bin/busybox', `/bin/${applet}`);
  mkdirSync(join(tree, 'etc'));
  writeFileSync(join(tree, 'etc/passwd'), 'ergon:x:1000:1000::/data:/bin/sh\n');
  mkdirSync(join(tree, 'tmp'));
  chmodSync(join(tree, 'tmp'), 0o1777);
  execFileSync('sh', ['-c', `tar -C "$1" -c . | docker import - "$2"`, 'sh', tree, tag]);
  rmSync(tree, { recursive: true, force: true });
}
