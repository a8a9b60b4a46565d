import { getBytes, type BaseWallet } from 'ethers';

/** The raw secp256k1 key from which the network makes its libp2p key: node, wallet and peer are one key. */
export function libp2pPrivateKeyRaw(wallet: BaseWallet): Uint8Array {
  return getBytes(wallet.privateKey);
}
