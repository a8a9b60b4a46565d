import { id, Wallet } from 'ethers';
import { libp2pPrivateKeyRaw, signer, verifier } from '../../src/identity/index.ts';
import type { Signer, Verifier } from '../../src/interface/identity.ts';
import { peerIdOfPrivateKey } from '../../src/network/peer-id.ts';

export const TEST_CHAIN_ID = 31337;

export interface TestIdentity {
  readonly wallet: Wallet;
  readonly address: string;
  readonly peerId: string;
  readonly privateKeyRaw: Uint8Array;
  readonly signer: Signer;
}

/** A node's identity without keystore: the same for the same name. */
export function testIdentity(name: string): TestIdentity {
  const wallet = new Wallet(id(`ergon test identity ${name}`));
  const privateKeyRaw = libp2pPrivateKeyRaw(wallet);
  return {
    wallet,
    address: wallet.address,
    peerId: peerIdOfPrivateKey(privateKeyRaw),
    privateKeyRaw,
    signer: signer(wallet, { chainId: TEST_CHAIN_ID }),
  };
}

export const testVerifier: Verifier = verifier({ chainId: TEST_CHAIN_ID });
