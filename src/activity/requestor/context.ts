import type { Agreements, Blobs, Clock, Logger, Network, Store } from '../../interface/index.ts';
import type { Background } from '../background.ts';
import type { Changes } from '../changes.ts';

export interface ActivityRequestorInit {
  /** Where the copies of the logs lie: `<logsDir>/<activityId>.stdout` and `.stderr`. */
  readonly logsDir: string;
  /** A call waits this long for the provider; what it asked for stays noted and goes on. */
  readonly commandTimeoutMs: number;
  /** An activity whose provider stays away is ended in the books this long after its agreement's end. */
  readonly abandonAfterMs: number;
}

export interface ActivityRequestorComponents {
  readonly store: Store;
  readonly network: Pick<Network, 'request'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly agreements: Pick<Agreements, 'get'>;
  readonly blobs: Pick<Blobs, 'path'>;
}

/** What the parts of the requestor's side share. */
export interface RequestorContext extends ActivityRequestorComponents {
  readonly init: ActivityRequestorInit;
  readonly changes: Changes;
  readonly background: Background;
}
