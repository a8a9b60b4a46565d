import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Store } from '../../../src/interface/store.ts';
import { levelStore } from '../../../src/store/index.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { storeSuite } from '../../compliance/store.suite.ts';

const directories = new WeakMap<Store, string>();

function openAt(directory: string, clock: Parameters<typeof levelStore>[1]['clock']): Store {
  const store = levelStore({ directory }, { clock, logger: silentLogger });
  directories.set(store, directory);
  return store;
}

storeSuite('level', {
  setup: async ({ clock }) => openAt(join(await mkdtemp(join(tmpdir(), 'ergon-store-')), 'store'), clock),
  teardown: async (store) => {
    await store.stop();
    await rm(dirname(directories.get(store)!), { recursive: true });
  },
  reopen: async (store, { clock }) => openAt(directories.get(store)!, clock),
});
