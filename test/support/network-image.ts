import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { busyboxImage } from './docker-engine.ts';
import type { TarFile } from './tar.ts';

const APPLETS = ['nc', 'httpd', 'hostname', 'ip', 'route', 'sha256sum', 'timeout', 'cut', 'tr', 'wc', 'grep'];

/**
 * Busybox with programs for networks, and the machine's own ping with its libraries: that of busybox wants raw sockets,
 * which no container here has.
 */
export function networkImage(): Buffer {
  const ping = execFileSync('sh', ['-c', 'command -v ping']).toString().trim();
  const libraries = execFileSync('ldd', [ping])
    .toString()
    .split('\n')
    .flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  const files = libraries.map((path): TarFile => ({
    name: path.slice(1),
    body: readFileSync(path),
    mode: 0o755,
  }));
  const directories = [...new Set(files.flatMap(({ name }) => parents(name)))].sort();
  return busyboxImage([
    ...APPLETS.map((applet) => ({ name: `bin/${applet}`, type: '2', link: 'busybox' })),
    ...directories.map((name) => ({ name: `${name}/`, type: '5', mode: 0o755 })),
    ...files,
    { name: 'usr/', type: '5', mode: 0o755 },
    { name: 'usr/bin/', type: '5', mode: 0o755 },
    { name: 'usr/bin/iping', body: readFileSync(ping), mode: 0o755 },
  ]);
}

function parents(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
