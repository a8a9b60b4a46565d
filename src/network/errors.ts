import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type NetworkErrorCode =
  | 'ERR_NETWORK_UNREACHABLE'
  | 'ERR_NETWORK_TIMEOUT'
  | 'ERR_NETWORK_ABORTED'
  | 'ERR_NETWORK_PROTOCOL'
  | 'ERR_NETWORK_REMOTE'
  | 'ERR_NETWORK_INVALID'
  | 'ERR_NETWORK_UNKNOWN_KIND'
  | 'ERR_NETWORK_INTERNAL'
  | 'ERR_NETWORK_BUSY'
  | 'ERR_NETWORK_TOO_LARGE'
  | 'ERR_NETWORK_BLOB_NOT_FOUND'
  | 'ERR_NETWORK_PEER_ID'
  | 'ERR_NETWORK_EXPIRED'
  | 'ERR_NETWORK_STATE'
  | 'ERR_NETWORK_START';

export class NetworkError extends ErgonError<NetworkErrorCode> {}

export const networkErrors: ErrorCatalogue<NetworkErrorCode> = {
  ERR_NETWORK_UNREACHABLE: {
    meaning:
      'There is no connection to the peer and none could be made, or it broke before the answer. The request may have been handled all the same.',
    remedy:
      'Repeat the request with the same ids; check that the peer runs and that its addresses are known.',
  },
  ERR_NETWORK_TIMEOUT: {
    meaning: 'The peer did not answer in time. The request may have been handled all the same.',
    remedy: 'Repeat it with the same ids.',
  },
  ERR_NETWORK_ABORTED: {
    meaning: 'The caller gave the request up, or the node stopped.',
    remedy: 'Nothing to do; repeat the request with the same ids if it is still wanted.',
  },
  ERR_NETWORK_PROTOCOL: {
    meaning: 'The peer does not speak this protocol, or sent bytes that are none of its messages.',
    remedy: 'Check that both nodes run compatible versions.',
  },
  ERR_NETWORK_REMOTE: {
    meaning:
      "The peer answered with an error: `detail` holds its code, message and detail, in the peer's words.",
    remedy: 'Look the inner code up in this list.',
  },
  ERR_NETWORK_INVALID: {
    meaning: 'The body of a request does not fit the schema of its kind; the message says where.',
    remedy: 'Correct the body; check that both nodes run compatible versions.',
  },
  ERR_NETWORK_UNKNOWN_KIND: {
    meaning: 'The protocol has no request of this kind.',
    remedy: 'Check that both nodes run compatible versions.',
  },
  ERR_NETWORK_INTERNAL: {
    meaning: 'The peer failed to handle the request; what failed stands in its log only.',
    remedy: 'Repeat it later with the same ids; tell the operator of the peer if it goes on.',
  },
  ERR_NETWORK_BUSY: {
    meaning: 'Too many requests of this node are under way at the peer.',
    remedy: 'Repeat it a little later.',
  },
  ERR_NETWORK_TOO_LARGE: {
    meaning: 'A message is larger than messages may be. Nothing was sent.',
    remedy: 'Send less at once; bulk data goes as blobs.',
  },
  ERR_NETWORK_BLOB_NOT_FOUND: {
    meaning: 'The peer has no such blob, or this node may not have it; the peer does not say which.',
    remedy: 'Check the hash, and that an agreement with the peer covers the blob.',
  },
  ERR_NETWORK_PEER_ID: {
    meaning: 'A PeerId is malformed, or its key is not secp256k1, so that it names no Ethereum address.',
    remedy: 'Use the PeerId that the peer prints with `ergon status`.',
  },
  ERR_NETWORK_EXPIRED: {
    meaning: 'A message of the outbox could not be delivered before it expired.',
    remedy: 'What it was part of says what follows; the peer was away for the whole time.',
  },
  ERR_NETWORK_STATE: {
    meaning:
      'The network was used before its start or after its stop, or a protocol was registered too late or twice.',
    remedy: 'This is a mistake in the program: report it.',
  },
  ERR_NETWORK_START: {
    meaning: 'The node could not listen on its addresses, or its configuration cannot be used.',
    remedy: 'The message names the address or setting; free the port or change `network.listen`.',
  },
};
