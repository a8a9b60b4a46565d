import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeRecord, FIRST_SUM } from '../../../src/exe-unit/journal/format.ts';
import { JournalTail } from '../../../src/exe-unit/journal/tail.ts';
import { JournalWriter } from '../../../src/exe-unit/journal/writer.ts';
import type { JournalEntry, JournalRecord } from '../../../src/interface/exe-unit.ts';
import { FakeClock } from '../../support/fake-clock.ts';

let directory: string;
let path: string;
const clock = new FakeClock();
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ergon-journal-'));
  path = join(directory, 'journal.ndjson');
});
afterEach(() => rmSync(directory, { recursive: true }));

const text = fc.string({ unit: 'binary', maxLength: 40 });
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const entry: fc.Arbitrary<JournalEntry> = fc.oneof(
  fc.record({ type: fc.constant('handle' as const), handle: text }),
  fc.record({ type: fc.constant('batch-finished' as const), batchId: id }),
  fc.record({
    type: fc.constant('state' as const),
    state: fc.constantFrom('New' as const, 'Running' as const),
    reason: fc.record({ code: fc.constant('Error'), message: text }),
  }),
  fc.record({
    type: fc.constant('usage' as const),
    sample: fc.record({
      sequence: fc.integer({ min: 1 }),
      at: fc.nat(),
      counters: fc.record({ cpu: fc.bigInt({ min: 0n, max: 10n ** 30n }).map(String) }),
    }),
  }),
);
const entries = fc.array(entry, { minLength: 1, maxLength: 8 });

async function write(list: readonly JournalEntry[]): Promise<Buffer> {
  rmSync(path, { force: true });
  const writer = await JournalWriter.create(path, clock);
  for (const one of list) writer.append(one);
  await writer.sync();
  await writer.close();
  return readFileSync(path);
}

async function read(tail = new JournalTail(path)): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of tail.read()) records.push(record);
  return records;
}

describe('the journal', () => {
  it('gives back what was written, in order, whatever it says', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        await write(list);
        const expected = list.map((one, index) => ({ seq: index + 1, at: clock.now(), ...one }));
        expect(await read()).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('cuts off what a crash tore, at any byte, and goes on from there', async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.double({ min: 0, max: 1, noNaN: true }), async (list, share) => {
        const bytes = await write(list);
        const kept = bytes.subarray(0, Math.floor(bytes.length * share));
        writeFileSync(path, kept);
        const whole = kept.toString('latin1').split('\n').length - 1;
        const tail = new JournalTail(path);
        expect(await read(tail)).toHaveLength(whole);
        const writer = await JournalWriter.resume(path, tail.position, clock);
        writer.append({ type: 'handle', handle: 'after' });
        await writer.close();
        expect(await read(tail)).toMatchObject([{ seq: whole + 1, handle: 'after' }]);
        expect(await read()).toHaveLength(whole + 1);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a flipped bit anywhere in a whole line', async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.nat(), fc.integer({ min: 0, max: 7 }), async (list, at, bit) => {
        const bytes = await write(list);
        // The very last newline makes a line whole: without it, it is a torn one.
        const index = at % (bytes.length - 1);
        bytes[index]! ^= 1 << bit;
        writeFileSync(path, bytes);
        await expect(read()).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_JOURNAL_DAMAGED' });
      }),
      { numRuns: 150 },
    );
  });

  it('refuses a lost line, a repeated one, two that changed places, and a file that shrank', async () => {
    const lines = (await write(['a', 'b', 'c'].map((handle) => ({ type: 'handle', handle }))))
      .toString()
      .split(/(?<=\n)/);
    const [a = '', b = '', c = ''] = lines;
    for (const wrong of [a + c, a + a + b, a + c + b, b + c]) {
      writeFileSync(path, wrong);
      await expect(read()).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_JOURNAL_DAMAGED' });
    }
    // A whole line with the right number, of another journal.
    const [, foreign = ''] = (await write(['x', 'b'].map((handle) => ({ type: 'handle', handle }))))
      .toString()
      .split(/(?<=\n)/);
    writeFileSync(path, a + foreign);
    await expect(read()).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_JOURNAL_DAMAGED' });
    writeFileSync(path, a + b + c);
    const tail = new JournalTail(path);
    await read(tail);
    writeFileSync(path, a);
    await expect(read(tail)).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_JOURNAL_DAMAGED' });
  });

  it('reads on from where it stopped, also in the middle of a line being written', async () => {
    const bytes = await write(['a', 'b'].map((handle) => ({ type: 'handle', handle })));
    const tail = new JournalTail(path);
    const seen: number[] = [];
    for (const end of [0, 10, bytes.length - 20, bytes.length]) {
      writeFileSync(path, bytes.subarray(0, end));
      seen.push((await read(tail)).length);
    }
    expect(seen).toEqual([0, 0, 1, 1]);
  });

  it('reads lines longer than its block', async () => {
    const script = [
      { run: { entry_point: 'x', args: Array.from({ length: 10 }, () => 'y'.repeat(100_000)) } },
    ];
    await write([
      { type: 'batch', batchId: 'b', script },
      { type: 'batch-finished', batchId: 'b' },
    ]);
    expect((await read()).map((record) => record.type)).toEqual(['batch', 'batch-finished']);
  });

  it('does not write what it could not read again', async () => {
    const writer = await JournalWriter.create(path, clock);
    expect(() => writer.append({ type: 'handle', handle: 'x'.repeat(70_000) })).toThrow(/handle/);
    expect(writer.seq).toBe(0);
    await writer.close();
    expect(await read()).toEqual([]);
  });

  it('never throws anything but its own error at any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => decodeRecord(Buffer.from(bytes), FIRST_SUM, 1)).toThrow(
          expect.objectContaining({ code: 'ERR_EXE_UNIT_JOURNAL_DAMAGED' }),
        );
      }),
    );
  });
});
