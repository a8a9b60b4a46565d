// The floor of an activity: a process with a module's bytes in memory, which on a word instantiates and runs it.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';
import { ready } from '../support/child.ts';

const [, , modulePath = '', ...args] = process.argv;
const bytes = await readFile(modulePath);

process.once('message', () => {
  const wasi = new WASI({ version: 'preview1', args, env: {} });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { ...wasi.getImportObject() });
  wasi.start(instance);
  process.disconnect();
});
ready({});
