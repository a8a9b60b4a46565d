// What the tests need of the system is installed where it may be (Debian, root), one package beside the other, so that
// one that is not to be had costs no more than itself.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const PLACES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export function onPath(program) {
  return PLACES.some((place) => existsSync(join(place, program)));
}

/** Makes sure of programs, given with the packages that bring them; returns the packages that cannot be had. */
export function ensurePackages(packages) {
  const missing = () => Object.entries(packages).filter(([program]) => !onPath(program));
  const mayInstall = process.getuid?.() === 0 && onPath('apt-get');
  if (missing().length > 0 && mayInstall) {
    install(missing());
    if (missing().length > 0) {
      apt(['update', '-qq']);
      install(missing());
      for (const one of missing()) install([one]);
    }
  }
  return missing().flatMap(([, names]) => names.split(' '));
}

function install(missing) {
  const names = missing.flatMap(([, packages]) => packages.split(' '));
  if (names.length > 0) apt(['install', '-y', '-qq', '--no-install-recommends', ...names]);
}

function apt(args) {
  spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}
