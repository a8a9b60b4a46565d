import type { Clock } from '../interface/clock.ts';
import type { Signer, Verifier } from '../interface/identity.ts';
import type { Logger } from '../interface/logger.ts';
import type { Network } from '../interface/network.ts';
import type { SlotReservation } from '../interface/slots.ts';
import type { OutboxReplies } from '../interface/outbox.ts';
import type { Store } from '../interface/store.ts';

export interface MarketComponents {
  readonly store: Store;
  readonly network: Pick<
    Network,
    | 'peerId'
    | 'address'
    | 'multiaddrs'
    | 'peers'
    | 'handle'
    | 'request'
    | 'announce'
    | 'onAnnouncement'
    | 'onPeer'
  >;
  readonly signer: Signer;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: () => string;
  /** The Ethereum address of a PeerId's key, EIP-55; throws for one that has none. */
  readonly addressOfPeerId: (peerId: string) => string;
  /** The provider's slot ledger; a node without one sells nothing. */
  readonly slots?: SlotReservation;
  readonly outbox?: OutboxReplies;
}
