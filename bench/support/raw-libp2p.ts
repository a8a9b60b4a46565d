import { noise } from '@chainsafe/libp2p-noise';
import type { Libp2p } from '@libp2p/interface';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';

export const ECHO_PROTOCOL = '/ergon-bench/echo/1';

/** Nothing but TCP, Noise and Yamux, as our own nodes use them. */
export async function rawLibp2p(listen: readonly string[]): Promise<Libp2p> {
  return createLibp2p({
    privateKey: await generateKeyPair('secp256k1'),
    addresses: { listen: [...listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  });
}
