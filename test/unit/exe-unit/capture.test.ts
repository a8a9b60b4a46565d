import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture } from '../../../src/exe-unit/supervisor/capture.ts';
import {
  CapturedStream,
  MAX_BATCH_CAPTURE_BYTES,
  MAX_CAPTURE_BYTES,
  type Capture,
} from '../../../src/interface/exe-script.ts';
import { checker } from '../../../src/util/check.ts';
import { jsonBytes } from '../../../src/util/json-bytes.ts';

const check = checker(CapturedStream, 'captured stream');
let directory: string;
let path: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ergon-capture-'));
  path = join(directory, 'stdout.log');
});
afterAll(() => rmSync(directory, { recursive: true }));

const BEFORE = Buffer.from('of another command');

/** What a command that wrote `output` into a log with other commands' output has in its result. */
async function captureOf(output: Buffer, wanted: Capture, leftBytes = MAX_BATCH_CAPTURE_BYTES) {
  writeFileSync(path, Buffer.concat([BEFORE, output, BEFORE]));
  const range = { start: BEFORE.length, end: BEFORE.length + output.length };
  const captured = await capture({ path, range }, wanted, { leftBytes });
  return check(captured);
}

describe('capturing output', () => {
  it.each<[Capture, string, boolean]>([
    [{ atEnd: { head: 4 } }, '0123', true],
    [{ atEnd: { tail: 4 } }, '6789', true],
    [{ atEnd: { headTail: 5 } }, '01289', true],
    [{ atEnd: { headTail: 10 } }, '0123456789', false],
    [{ atEnd: { head: 0 } }, '', true],
    [{ atEnd: { tail: 100 } }, '0123456789', false],
    [{ atEnd: {} }, '0123456789', false],
    [{ stream: {} }, '0123456789', false],
    [{ stream: { limit: 3 } }, '012', true],
  ])('%j', async (wanted, data, truncated) => {
    expect(await captureOf(Buffer.from('0123456789'), wanted)).toEqual({ format: 'string', data, truncated });
  });

  it('takes nothing it was not asked for', async () => {
    expect(await capture({ path, range: { start: 0, end: 5 } }, undefined, { leftBytes: 9 })).toBeUndefined();
  });

  it('says that there was more when the log itself has not all', async () => {
    writeFileSync(path, 'abc');
    const range = { start: 0, end: 3, truncated: true };
    expect(await capture({ path, range }, { atEnd: { tail: 9 } }, { leftBytes: 99 })).toMatchObject({
      data: 'abc',
      truncated: true,
    });
  });

  it('gives back every byte as binary, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(320), async (bytes, size) => {
        const output = Buffer.from(bytes);
        const head = await captureOf(output, { atEnd: { head: size, format: 'binary' } });
        const tail = await captureOf(output, { atEnd: { tail: size, format: 'binary' } });
        expect(Buffer.from(head.data, 'base64')).toEqual(output.subarray(0, size));
        expect(Buffer.from(tail.data, 'base64')).toEqual(output.subarray(Math.max(0, output.length - size)));
        expect(head.truncated).toBe(size < output.length);
      }),
      { numRuns: 100 },
    );
  });

  it('cuts texts between characters only', async () => {
    const characters = fc.constantFrom('a', 'é', '€', '😀');
    await fc.assert(
      fc.asyncProperty(fc.array(characters, { maxLength: 20 }), fc.nat(80), async (list, size) => {
        const text = list.join('');
        for (const atEnd of [{ head: size }, { tail: size }, { headTail: size }]) {
          const { data } = await captureOf(Buffer.from(text), { atEnd });
          expect(data).not.toContain('\ufffd');
          if (!('headTail' in atEnd)) expect(text).toContain(data);
          expect(Buffer.byteLength(data)).toBeGreaterThan(
            Math.min(size, Buffer.byteLength(text)) - ('headTail' in atEnd ? 7 : 4),
          );
        }
      }),
      { numRuns: 100 },
    );
  });

  it('shows with U+FFFD what is no text', async () => {
    const { data } = await captureOf(Buffer.from([0x61, 0xff, 0x62]), { atEnd: {} });
    expect(data).toBe('a\ufffdb');
  });

  it('is bounded for each stream and for the whole batch, also where JSON makes it longer', async () => {
    const zeros = Buffer.alloc(2 * MAX_CAPTURE_BYTES);
    const budget = { leftBytes: MAX_BATCH_CAPTURE_BYTES };
    writeFileSync(path, zeros);
    const range = { start: 0, end: zeros.length };
    const wanted: Capture[] = [
      { atEnd: { head: 1e9, format: 'binary' } },
      { stream: { format: 'string' } },
      { atEnd: { tail: 1e9 } },
      { atEnd: { headTail: 5 } },
    ];
    let bytes = 0;
    for (const one of wanted) {
      const captured = check(await capture({ path, range }, one, budget));
      bytes += jsonBytes(captured.data);
      expect(captured.truncated).toBe(true);
    }
    expect(bytes).toBeLessThanOrEqual(MAX_BATCH_CAPTURE_BYTES);
    expect(bytes).toBeGreaterThan(MAX_BATCH_CAPTURE_BYTES * 0.85);
    const first = await capture({ path, range }, wanted[0], { leftBytes: MAX_BATCH_CAPTURE_BYTES });
    expect(Buffer.from(first!.data, 'base64')).toHaveLength(MAX_CAPTURE_BYTES);
  });
});
