import { memoryNetwork } from '../../src/network/index.ts';
import { testIdentity } from '../support/identities.ts';
import { networkSuite } from './network.suite.ts';

networkSuite('memory network', async () => {
  const hub = memoryNetwork();
  return { node: (name) => hub.join(testIdentity(name)), teardown: () => hub.idle() };
});
