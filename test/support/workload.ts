import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The tests' own WASI program: see fixtures/workload/workload.c. */
export const WORKLOAD = fileURLToPath(new URL('../fixtures/workload/workload.wasm', import.meta.url));

const bytes = readFileSync(WORKLOAD);
export const WORKLOAD_PACKAGE = {
  hash: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  sizeBytes: bytes.length,
};
