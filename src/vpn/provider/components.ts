import type { Clock, Logger, Network, Store } from '../../interface/index.ts';

export interface MembersComponents {
  readonly store: Store;
  readonly network: Pick<Network, 'address' | 'request' | 'openStream' | 'handleStreams'>;
  readonly clock: Clock;
  readonly logger: Logger;
}
