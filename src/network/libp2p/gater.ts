import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { Sender } from '../../interface/network.ts';
import { addressOfPublicKey } from '../peer-id.ts';

/** Who sent something over a connection, from the key that Noise proved; undefined for a key that is no Ethereum key. */
export function senderOf(peer: PeerId): Sender | undefined {
  if (peer.publicKey?.type !== 'secp256k1') return undefined;
  return { peerId: peer.toString(), address: addressOfPublicKey(peer.publicKey) };
}

/** Refuses peers without an Ethereum address, and those that are denied, in both directions. */
export function gater(isDenied: (peer: Sender) => boolean): ConnectionGater {
  const refused = (peer: PeerId): boolean => {
    const sender = senderOf(peer);
    return sender === undefined || isDenied(sender);
  };
  return {
    denyDialPeer: refused,
    denyInboundEncryptedConnection: refused,
    denyOutboundEncryptedConnection: refused,
  };
}
