import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { progress } from '../../../src/cli/progress.ts';
import { table } from '../../../src/cli/table.ts';

/** Takes what is written to it, as a terminal that is so wide. */
function screen(columns: number) {
  const written: string[] = [];
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      done();
    },
  });
  return { written, output: Object.assign(output, { isTTY: true, columns }) };
}

test('a terminal that says no width has no spinner, and tables as wide as they are', async () => {
  const { written, output } = screen(0);
  const line = await progress(output, false);
  line.say('uploading');
  line.say('uploading more');
  line.clear();
  expect(written).toEqual([]);
  const wide = 'x'.repeat(200);
  expect(await table(output, [wide], [{ title: 'TEXT', value: (text) => text }])).toContain(wide);
});
