import { storeSuite } from '../../compliance/store.suite.ts';
import { memoryStore } from '../../../src/store/index.ts';

storeSuite('memory', {
  setup: async ({ clock }) => memoryStore({ clock }),
  teardown: (store) => store.stop(),
  reopen: async (store) => store,
});
