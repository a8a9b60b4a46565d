import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLogs } from '../../../src/store/level/log-check.ts';
import { crc32c } from '../../../src/util/crc32c.ts';
import { temporaryBooks } from '../../support/store-at.ts';

it('computes CRC-32C as RFC 3720 has it', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

describe('checkLogs', () => {
  let books: Awaited<ReturnType<typeof temporaryBooks>>;
  let copy: string;
  let path: string;
  let log: Buffer;

  beforeEach(async () => {
    books = await temporaryBooks();
    const database = new Level(books.directory);
    // Lengths of all kinds, so that batches are cut by the ends of blocks in every way.
    for (let n = 0; n < 6_000; n += 1) await database.put(`key ${n}`, 'x'.repeat((n * 37) % 389));
    copy = join(books.root, 'copy');
    // While it is open: closing and opening would turn the log into tables.
    await cp(books.directory, copy, { recursive: true });
    await database.close();
    const name = (await readdir(copy)).find((file) => file.endsWith('.log'));
    path = join(copy, name ?? '');
    log = await readFile(path);
  });
  afterEach(() => books.remove());

  it('accepts what Level wrote', async () => {
    expect(log.length / 32_768).toBeGreaterThan(30);
    await checkLogs(copy);
  });

  it('accepts a log that ends anywhere, as a kill leaves it', async () => {
    const ends = [
      0,
      1,
      6,
      7,
      8,
      32_767,
      32_768,
      32_769,
      ...Array.from({ length: 60 }, (_, n) => 400_000 + n * 13),
    ];
    for (const end of ends) {
      await writeFile(path, log.subarray(0, end));
      await checkLogs(copy);
    }
  });

  it('accepts zeros at the end, as a power loss leaves them', async () => {
    await writeFile(path, Buffer.concat([log, Buffer.alloc(100_000)]));
    await checkLogs(copy);
  });

  it('refuses any flipped bit before the end', async () => {
    for (let offset = 3; offset < log.length - 40_000; offset += 7_919) {
      const damaged = Buffer.from(log);
      damaged.writeUInt8(damaged.readUInt8(offset) ^ 4, offset);
      await writeFile(path, damaged);
      await expect(checkLogs(copy)).rejects.toMatchObject({ code: 'ERR_STORE_DAMAGED', detail: { path } });
    }
  });
});
