import { Wallet } from 'ethers';
import { libp2pPrivateKeyRaw } from '../../src/identity/index.ts';
import { libp2pNetwork } from '../../src/network/index.ts';
import type { Network } from '../../src/interface/network.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';

/** A node of ours with a new identity, on a free port of loopback; not started. */
export function localNetwork(wallet = new Wallet(Wallet.createRandom().privateKey)): {
  wallet: Wallet;
  network: Network;
} {
  const network = libp2pNetwork(
    { privateKeyRaw: libp2pPrivateKeyRaw(wallet), listen: ['/ip4/127.0.0.1/tcp/0'] },
    { clock: systemClock(), logger: silentLogger },
  );
  return { wallet, network };
}
