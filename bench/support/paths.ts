import { fileURLToPath } from 'node:url';

const ROOT = new URL(import.meta.url.endsWith('.ts') ? '../../' : '../../../', import.meta.url);

/** `hello` prints a line. */
export const WORKLOAD = fileURLToPath(new URL('test/fixtures/workload/workload.wasm', ROOT));
/** `flood BYTES` prints that many. */
export const BEHAVE = fileURLToPath(new URL('test/fixtures/wasi/behave.wasm', ROOT));
/** `matrices`, `checksum` or `calls`, and how much of it; printed is the result. */
export const COMPUTE = fileURLToPath(new URL('test/fixtures/wasi/compute.wasm', ROOT));
export const COMPUTE_SOURCE = fileURLToPath(new URL('test/fixtures/wasi/compute.c', ROOT));
