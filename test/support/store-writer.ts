// A process to be killed: writes items for ever, from several writers at once, and prints the number of each that
// was acknowledged. Arguments: directory, first number.
import { writeSync } from 'node:fs';
import { makeItem, storeAt } from './store-at.ts';

const [directory = '', first = '0'] = process.argv.slice(2);
const WRITERS = 4;

writeSync(1, 'opening\n');
const store = storeAt(directory);
await store.start();

async function write(writer: number): Promise<void> {
  for (let n = Number(first) + writer; ; n += WRITERS) {
    await makeItem(store, n, 'new', 'x'.repeat(500));
    writeSync(1, `${n}\n`);
  }
}
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
