import { lookup } from 'node:dns/promises';
import type { Clock } from '../../interface/clock.ts';
import type { UrlTransfers } from '../../interface/transfer.ts';
import type { BlobStore } from '../blob-store.ts';
import type { UrlContext } from './context.ts';
import { deliverUrl } from './deliver-url.ts';
import { fetchUrl } from './fetch-url.ts';
import { outboundPolicy } from './outbound-policy.ts';

export interface UrlTransfersInit {
  /** Hosts that are allowed although they are not on the public internet. */
  readonly allowHosts: readonly string[];
  /** The longest silence of a server. Default 30 s. */
  readonly stallTimeoutMs?: number;
  /** Default 5. */
  readonly maxRedirects?: number;
  /** Attempts in a row that get no further. Default 5. */
  readonly maxAttempts?: number;
}

export interface UrlTransfersComponents {
  readonly blobs: Pick<BlobStore, 'stat' | 'openUnnamed'>;
  readonly clock: Clock;
  /** The machine's own addresses. */
  readonly localAddresses: () => readonly string[];
  /** All addresses of a host. Default: the system's resolver. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
  readonly random?: () => number;
}

/** Transfers between this node and web servers. */
export function urlTransfers(init: UrlTransfersInit, components: UrlTransfersComponents): UrlTransfers {
  const { allowHosts, stallTimeoutMs = 30_000, maxRedirects = 5, maxAttempts = 5 } = init;
  const { localAddresses } = components;
  const context: UrlContext = {
    ...components,
    init: { stallTimeoutMs, maxRedirects, maxAttempts },
    policy: outboundPolicy({ allowHosts, localAddresses }),
    lookup: components.lookup ?? addressesOf,
  };
  return {
    fetch: (request) => fetchUrl(context, request),
    deliver: (request) => deliverUrl(context, request),
  };
}

async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
