import { join } from 'node:path';
import { blobStore, urlTransfers, type BlobStore } from '../../../../src/transfer/index.ts';
import type { Clock, UrlFetch, UrlTransfers } from '../../../../src/interface/index.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { silentLogger } from '../../../../src/util/silent-logger.ts';

/** A clock on which waiting takes a fiftieth of the time: the servers are real, so the clock has to go by itself. */
export function hastyClock(): Clock {
  const clock = systemClock();
  return {
    now: () => clock.now(),
    monotonicNs: () => clock.monotonicNs(),
    setTimer: (fn, delayMs) => clock.setTimer(fn, delayMs / 50),
  };
}

export interface UrlWorld {
  readonly blobs: BlobStore;
  readonly urls: UrlTransfers;
  fetch(url: string, overrides?: Partial<UrlFetch>): ReturnType<UrlTransfers['fetch']>;
}

export async function urlWorld(
  directory: string,
  allowHosts: readonly string[] = ['127.0.0.1'],
  lookup: Readonly<Record<string, readonly string[]>> = {},
): Promise<UrlWorld> {
  const clock = hastyClock();
  const blobs = blobStore(
    { directory: join(directory, 'blobs'), maxBlobBytes: 1 << 30 },
    { clock, logger: silentLogger },
  );
  await blobs.start();
  const urls = urlTransfers(
    { allowHosts },
    {
      blobs,
      clock,
      random: () => 0,
      localAddresses: () => ['93.184.216.34'],
      lookup: (host) => {
        const found = lookup[host];
        return found === undefined ? Promise.reject(new Error(`no ${host}`)) : Promise.resolve(found);
      },
    },
  );
  return {
    blobs,
    urls,
    fetch: (url, overrides) =>
      urls.fetch({ key: 'one', url, maxBytes: 1 << 26, signal: new AbortController().signal, ...overrides }),
  };
}
