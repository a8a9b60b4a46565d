import { it } from 'vitest';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.error('\n*** SKIPPED: tests that mount file systems: only root can ***\n');

/** A test that needs root. Without it, it is skipped, loudly; in CI it fails instead. */
export const itAsRoot = it.skipIf(!isRoot && process.env['CI'] === undefined);
