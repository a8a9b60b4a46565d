import { libp2pNetwork } from '../../src/network/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { testIdentity } from '../support/identities.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import { networkSuite } from './network.suite.ts';

networkSuite('libp2p network', async () => ({
  node: (name, introducer) =>
    libp2pNetwork(
      {
        privateKeyRaw: testIdentity(name).privateKeyRaw,
        listen: ['/ip4/127.0.0.1/tcp/0'],
        bootstrap: introducer?.multiaddrs() ?? [],
      },
      { clock: systemClock(), logger: silentLogger },
    ),
  teardown: async () => undefined,
}));
