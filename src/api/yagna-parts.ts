import type { Blobs, Networks, PaymentDriver } from '../interface/index.ts';
import type { Market, OfferDraft } from '../market/index.ts';
import type { BillActions } from '../payment/index.ts';

/** The section `yagna` of the configuration, as far as the API needs it. */
export interface YagnaInit {
  /** Payment platform as clients name it → platform of this node. */
  readonly platforms: Readonly<Record<string, string>>;
  /** Image tag → `docker://name@sha256:…`, `sha256:…` or `sha3:<hash>:<url>`. */
  readonly images: Readonly<Record<string, string>>;
}

/** A runtime as this node could offer it, and what can be counted of its use. */
export interface OfferTemplate {
  readonly draft: OfferDraft;
  readonly counters: readonly string[];
}

/** What the Yagna-compatible API calls beside what the whole API has. */
export interface YagnaParts {
  readonly init: YagnaInit;
  /** This node's address: its identity toward clients. */
  readonly address: string;
  readonly peerId: string;
  readonly market: Pick<
    Market,
    'offers' | 'proposals' | 'create' | 'confirm' | 'approve' | 'reject' | 'get' | 'terminate'
  >;
  /** What this node would offer of a runtime, by any of its names, before prices; absent on a node that only buys. */
  readonly offerTemplate?: (runtimeName: string) => Promise<OfferTemplate | undefined>;
  readonly bills: BillActions;
  readonly drivers: readonly PaymentDriver[];
  readonly blobs: Pick<Blobs, 'put' | 'stat' | 'read'>;
  readonly networks: Networks;
}
