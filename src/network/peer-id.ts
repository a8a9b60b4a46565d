import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId, PublicKey } from '@libp2p/interface';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import { computeAddress, hexlify } from 'ethers';
import { NetworkError } from './errors.ts';

/** The Ethereum address of a PeerId's key, EIP-55. Throws ERR_NETWORK_PEER_ID unless it is a secp256k1 PeerId. */
export function addressOfPeerId(peerId: string): string {
  return addressOfPublicKey(parsePeerId(peerId).publicKey);
}

/** The Ethereum address of a public key as libp2p holds it. Throws ERR_NETWORK_PEER_ID for other kinds of keys. */
export function addressOfPublicKey(publicKey: PublicKey | undefined): string {
  if (publicKey?.type !== 'secp256k1') {
    throw new NetworkError(
      'ERR_NETWORK_PEER_ID',
      `A node's key is secp256k1, this one is ${publicKey?.type ?? 'not contained in the PeerId'}`,
      { keyType: publicKey?.type ?? 'unknown' },
    );
  }
  return computeAddress(hexlify(publicKey.raw));
}

/** Throws ERR_NETWORK_PEER_ID for text that is no PeerId. */
export function parsePeerId(text: string): PeerId {
  try {
    return peerIdFromString(text);
  } catch (cause) {
    throw new NetworkError('ERR_NETWORK_PEER_ID', `Not a PeerId: ${text.slice(0, 80)}`, {}, { cause });
  }
}

/** The PeerId, base58, of a raw secp256k1 private key. */
export function peerIdOfPrivateKey(raw: Uint8Array): string {
  return peerIdFromPrivateKey(privateKeyFromRaw(raw)).toString();
}
