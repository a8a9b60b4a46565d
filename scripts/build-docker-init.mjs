// Compiles runtimes/docker/init/init.c for every architecture into runtimes/docker/init/binaries.ts.
// Needs clang and lld; only after a change of init.c. `--check` only says whether the two belong together.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const directory = join(dirname(dirname(fileURLToPath(import.meta.url))), 'runtimes/docker/init');
const source = join(directory, 'init.c');
const target = join(directory, 'binaries.ts');
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

const sourceHash = createHash('sha256').update(readFileSync(source)).digest('hex');
if (process.argv.includes('--check')) {
  const fits = readFileSync(target, 'utf8').includes(sourceHash);
  if (!fits) console.error(`${target} was not built from ${source}: run node scripts/build-docker-init.mjs`);
  process.exit(fits ? 0 : 1);
}

const scratch = mkdtempSync(join(tmpdir(), 'ergon-init-'));
try {
  const entries = Object.entries(architectures).map(([architecture, triple]) => {
    const output = join(scratch, architecture);
    execFileSync('clang', [`--target=${triple}`, ...flags, ...linking, ...lean, '-o', output, source], {
      stdio: 'inherit',
    });
    const base64 = gzipSync(readFileSync(output), { level: 9 }).toString('base64');
    const lines = base64.match(/.{1,100}/g).map((line) => `    '${line}',`);
    return `  ${architecture}: [\n${lines.join('\n')}\n  ],`;
  });
  writeFileSync(
    target,
    `/* Made by scripts/build-docker-init.mjs. */

/** Hash of the init.c that these were compiled from. */
export const SOURCE_SHA256 = '${sourceHash}';

/** The compiled init by Node's names of architectures: gzip in base64. */
export const BINARIES: Readonly<Record<string, readonly string[]>> = {
${entries.join('\n')}
};
`,
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
