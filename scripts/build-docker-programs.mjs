// Compiles the programs of the Docker runtime for every architecture into the binaries.ts beside each.
// Needs clang and lld; only after a change of them. `--check` only says whether sources and binaries belong together.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const runtime = join(dirname(dirname(fileURLToPath(import.meta.url))), 'runtimes/docker');
const programs = ['init', 'tunnel'];
const shared = join(runtime, 'native/platform.h');
const architectures = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const flags = [
  '-Os',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wno-unused-function',
  '-ffreestanding',
  '-fno-builtin',
];
const linking = [
  '-nostdlib',
  '-static',
  '-fuse-ld=lld',
  '-fno-stack-protector',
  '-fno-asynchronous-unwind-tables',
];
const lean = ['-fno-pic', '-fno-pie', '-Wl,--build-id=none,-z,norelro,-z,noexecstack,-s,--no-rosegment'];

const sourceOf = (name) => join(runtime, name, `${name}.c`);
const targetOf = (name) => join(runtime, name, 'binaries.ts');
const hashOf = (name) =>
  createHash('sha256')
    .update(readFileSync(shared))
    .update(readFileSync(sourceOf(name)))
    .digest('hex');

function compile(name, scratch) {
  const entries = Object.entries(architectures).map(([architecture, triple]) => {
    const output = join(scratch, `${name}-${architecture}`);
    execFileSync(
      'clang',
      [`--target=${triple}`, ...flags, ...linking, ...lean, '-o', output, sourceOf(name)],
      {
        stdio: 'inherit',
      },
    );
    const base64 = gzipSync(readFileSync(output), { level: 9 }).toString('base64');
    const lines = base64.match(/.{1,100}/g).map((line) => `    '${line}',`);
    return `  ${architecture}: [\n${lines.join('\n')}\n  ],`;
  });
  return `/* Made by scripts/build-docker-programs.mjs. */

/** Hash of the sources that these were compiled from. */
export const SOURCE_SHA256 = '${hashOf(name)}';

/** The compiled program by Node's names of architectures: gzip in base64. */
export const BINARIES: Readonly<Record<string, readonly string[]>> = {
${entries.join('\n')}
};
`;
}

if (process.argv.includes('--check')) {
  const stale = programs.filter((name) => !readFileSync(targetOf(name), 'utf8').includes(hashOf(name)));
  for (const name of stale) {
    console.error(
      `${targetOf(name)} was not built from ${sourceOf(name)}: run node scripts/build-docker-programs.mjs`,
    );
  }
  process.exit(stale.length === 0 ? 0 : 1);
}

const scratch = mkdtempSync(join(tmpdir(), 'ergon-programs-'));
try {
  for (const name of programs) writeFileSync(targetOf(name), compile(name, scratch));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
