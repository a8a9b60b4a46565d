import { createHash, randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { digestFile } from '../../../src/util/digest-file.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();

it.each([0, 1, 256 * 1024, 600_000])(
  'digests a file of %i bytes wholly, wherever its position is',
  async (size) => {
    const path = join(folder(), 'file');
    const bytes = randomBytes(size);
    await writeFile(path, bytes);
    await using file = await open(path, 'r');
    await file.read(Buffer.alloc(7), 0, 7);
    for (const algorithm of ['sha256', 'sha3-256'] as const) {
      const hex = createHash(algorithm).update(bytes).digest('hex');
      expect(await digestFile(file, algorithm)).toEqual({ hex, sizeBytes: size });
    }
  },
);
