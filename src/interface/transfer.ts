/** A stored blob. */
export interface BlobInfo {
  /** `sha256:` and 64 hex digits. */
  readonly hash: string;
  readonly sizeBytes: number;
}

/** What a blob that is put may be. */
export interface PutOptions {
  /** Refuse anything else: TransferError ERR_TRANSFER_HASH_MISMATCH. */
  readonly expectedHash?: string;
  /** Refuse more than this: ERR_TRANSFER_TOO_LARGE. The store's own limit holds besides. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** The node's content-addressed files: task packages, inputs and results. A blob is whole or it is not there. */
export interface Blobs {
  /** Streams it in and resolves once it is durable. A blob that is there already is stored once. */
  put(source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<BlobInfo>;
  stat(hash: string): Promise<BlobInfo | undefined>;
  /** Absolute path of the read-only file; undefined when it is not here. */
  path(hash: string): Promise<string | undefined>;
  /** Its bytes from `offset` (default 0). Throws ERR_TRANSFER_NOT_FOUND, ERR_TRANSFER_RANGE. */
  read(hash: string, offset?: number): AsyncIterable<Uint8Array>;
  /** Reads it all and compares with its name; a damaged blob is set aside and ERR_TRANSFER_DAMAGED thrown. */
  verify(hash: string): Promise<BlobInfo>;
  /**
   * Deletes it, unless somebody holds it or `isUsed` says so at a moment in which nothing else names or deletes blobs.
   * False when it stays, and when it was not there.
   */
  delete(hash: string, isUsed?: () => Promise<boolean>): Promise<boolean>;
  list(): Promise<BlobInfo[]>;
  /** Keeps `trim` and `delete` from dropping the blob until the returned function is called. */
  hold(hash: string): () => void;
  /**
   * For whoever is about to name blobs in the books: holds them until `work` is done, which gets what there is of them.
   * Those that are here belong to the node from then on, not to the cache.
   */
  whileHeld<T>(
    hashes: readonly string[],
    work: (found: readonly (BlobInfo | undefined)[]) => Promise<T>,
  ): Promise<T>;
  /** Drops what was fetched for activities and is held by nobody, the longest unused first, down to the bound. */
  trim(): Promise<void>;
  /** What the complete blobs take on disk. */
  usage(): { readonly bytes: number; readonly count: number; readonly maxBytes: number };
  /** What of that was fetched for activities, and may be dropped. */
  cachedBytes(): Promise<number>;
}

/** How a blob is fetched from a peer. */
export interface BlobFetchOptions {
  readonly multiaddrs?: readonly string[];
  readonly maxBytes?: number;
  /** For an activity, which has it once: `trim` may drop it, unless somebody wants it to stay or it was here before. */
  readonly cached?: boolean;
  readonly signal?: AbortSignal;
  /** Bytes that are here so far, of how many. */
  readonly onProgress?: (receivedBytes: number, sizeBytes: number) => void;
}

/** Brings a peer's blob into `Blobs`. */
export interface BlobFetcher {
  /**
   * Resolves once the blob is here, verified and durable; at once when it was. Resumes what an earlier attempt (also
   * of an earlier run of the node) left unfinished. Rejects with TransferError, or NetworkError when the peer cannot be
   * reached.
   */
  fetch(peerId: string, hash: string, options?: BlobFetchOptions): Promise<BlobInfo>;
}

/** A fetch from a web server. */
export interface UrlFetch {
  /** Tells this fetch from every other; the same key, also after a restart of the node, goes on with what is here. */
  readonly key: string;
  /** `https://…`, `https://…#sha256:<hex>` or `hash:sha3:<hex>:https://…`. */
  readonly url: string;
  /** A blob's name, beside what the URL itself says. */
  readonly expectedHash?: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (receivedBytes: number, sizeBytes: number | undefined) => void;
}

/** A file to be sent to a web server. */
export interface UrlDelivery {
  readonly url: string;
  /** The file whose bytes are put there. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (sentBytes: number, sizeBytes: number) => void;
}

/**
 * Files from and to http(s) servers that strangers name. It connects to no address that is not the public internet's,
 * unless the operator allows it, and to no other than the one it has checked.
 */
export interface UrlTransfers {
  /** Resolves once the file is here as a blob, whole, checked and durable. Rejects with TransferError. */
  fetch(request: UrlFetch): Promise<BlobInfo>;
  /** Resolves once the server has taken the file; repeating it changes nothing. Rejects with TransferError. */
  deliver(request: UrlDelivery): Promise<void>;
}
