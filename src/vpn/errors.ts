import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type VpnErrorCode =
  | 'ERR_VPN_NOT_FOUND'
  | 'ERR_VPN_INVALID'
  | 'ERR_VPN_ADDRESS_TAKEN'
  | 'ERR_VPN_LIMIT'
  | 'ERR_VPN_NO_ROUTE'
  | 'ERR_VPN_CONNECT_FAILED';

/** Something about a network between activities. */
export class VpnError extends ErgonError<VpnErrorCode> {}

export const vpnErrors: ErrorCatalogue<VpnErrorCode> = {
  ERR_VPN_NOT_FOUND: {
    meaning: 'There is no such network, or the asking node is none of it (any more).',
    remedy: 'Check the id; a node has to be added to the network before it is asked for.',
  },
  ERR_VPN_INVALID: {
    meaning:
      'An address or mask cannot be: it is none, is reserved for other ends, or lies outside of the network.',
    remedy: 'Correct what the message names.',
  },
  ERR_VPN_ADDRESS_TAKEN: {
    meaning: 'Another node of the network has this address.',
    remedy: 'Give it another address, or remove the other node first.',
  },
  ERR_VPN_LIMIT: {
    meaning: 'There are as many networks, nodes or connections as there may be.',
    remedy: 'Remove or close what is not needed any more.',
  },
  ERR_VPN_NO_ROUTE: {
    meaning: 'No node of the network that could be reached has this address.',
    remedy:
      'Check the address; its provider needs an approved agreement with this node, and has to be connected.',
  },
  ERR_VPN_CONNECT_FAILED: {
    meaning: 'The activity with this address took no connection.',
    remedy: 'Start the server first; it has to listen on the network address of the activity, or on all.',
  },
};
