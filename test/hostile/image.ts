import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tarOf } from '../support/tar.ts';

const SOURCES = fileURLToPath(new URL('../fixtures/hostile/', import.meta.url));
const FLAGS = ['-D_GNU_SOURCE', '-static', '-O1', '-s', '-pthread', '-w'];

/** An image from scratch, with nothing in it but the hostile programs, compiled for this machine. */
export function hostileImage(): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'ergon-hostile-'));
  try {
    const file = join(directory, 'hostile');
    const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
    execFileSync('gcc', [...FLAGS, '-o', file, ...sources.sort()], { cwd: SOURCES, stdio: 'inherit' });
    return tarOf([{ name: 'hostile', body: readFileSync(file), mode: 0o755 }]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
