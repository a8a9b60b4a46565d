import type { BlobStore } from '../blob-store.ts';
import type { HttpComponents, HttpInit } from './http-request.ts';

/** What both directions share. */
export interface UrlContext extends HttpComponents {
  readonly init: HttpInit & {
    /** Attempts in a row that get no further. */
    readonly maxAttempts: number;
  };
  readonly blobs: Pick<BlobStore, 'stat' | 'openUnnamed'>;
  readonly random?: () => number;
}
