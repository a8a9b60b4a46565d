import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idOf, items, makeItem, temporaryBooks, withStore } from '../../support/store-at.ts';

const WRITER = new URL('../../support/store-writer.ts', import.meta.url).pathname;

/** Runs the writer and kills it after so many lines of output; returns the numbers that it had acknowledged. */
async function writeAndKill(directory: string, first: number, lines: number): Promise<number[]> {
  const child = spawn(process.execPath, [WRITER, directory, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => child.once('close', resolve));
  const acknowledged: number[] = [];
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    // What the pipe still holds after the kill was acknowledged too.
    if (line !== 'opening') acknowledged.push(Number(line));
    seen += 1;
    if (seen === lines) child.kill('SIGKILL');
  }
  await gone;
  return acknowledged;
}

describe('kill -9', () => {
  let books: Awaited<ReturnType<typeof temporaryBooks>>;
  beforeEach(async () => {
    books = await temporaryBooks();
  });
  afterEach(() => books.remove());

  it('loses nothing acknowledged and raises no false alarm, again and again on the same books', async () => {
    const acknowledged = new Set<number>();
    let first = 0;
    for (const lines of [1, 2, 7, 30, 100, 333, 1_500]) {
      for (const n of await writeAndKill(books.directory, first, lines)) acknowledged.add(n);
      await withStore(books.directory, async (store) => {
        const there = new Set((await store.list(items)).map(({ value }) => value.n));
        expect([...acknowledged].filter((n) => !there.has(n))).toEqual([]);
        // What was written together is there together.
        const events = await store.events.query({});
        expect(events.map((event) => event.seq)).toEqual(events.map((_, at) => at + 1));
        expect(new Set(events.map((event) => event.subject))).toEqual(new Set([...there].map(idOf)));
        const fresh = await store.list(items, { where: { index: 'state', equals: 'new' } });
        expect(fresh).toHaveLength(there.size);
        first = Math.max(-1, ...there) + 1;
      });
    }
    expect(acknowledged.size).toBeGreaterThan(1_900);
  });

  it('can come at any moment of the making of new books', async () => {
    for (let round = 0; round < 6; round += 1) {
      const fresh = await temporaryBooks();
      await writeAndKill(fresh.directory, 0, 1 + (round % 3));
      await withStore(fresh.directory, (store) => makeItem(store, 1_000_000));
      await fresh.remove();
    }
  });

  it('frees the books for the next process, and only then', async () => {
    await withStore(books.directory, async () => {
      await expect(withStore(books.directory, async () => undefined)).rejects.toMatchObject({
        code: 'ERR_STORE_LOCKED',
      });
    });
    await withStore(books.directory, async () => undefined);
  });
});
