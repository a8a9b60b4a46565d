import { ACCEPT, reject, type Negotiator } from './negotiator.ts';

/** Whom this node deals with. */
export interface PartyLists {
  /** Addresses that this node does not deal with. */
  readonly deny: readonly string[];
  /** When not empty: the only ones it deals with. */
  readonly allow: readonly string[];
}

/** Deny and allow lists of the other party. */
export function partyLists(init: PartyLists, other: 'requestor' | 'provider'): Negotiator {
  const deny = new Set(init.deny.map((address) => address.toLowerCase()));
  const allow = new Set(init.allow.map((address) => address.toLowerCase()));
  return ({ offer, demand }) => {
    const address = (other === 'requestor' ? demand.requestor : offer.provider).toLowerCase();
    if (deny.has(address)) return reject('Denied', `This node does not deal with ${address}`);
    if (allow.size > 0 && !allow.has(address))
      return reject(
        'NotAllowed',
        `This node deals with listed parties only, and ${address} is not among them`,
      );
    return ACCEPT;
  };
}
