/** A stored blob. */
export interface BlobInfo {
  /** `sha256:` and 64 hex digits. */
  readonly hash: string;
  readonly sizeBytes: number;
}

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
  /** False when it was not there. */
  delete(hash: string): Promise<boolean>;
  list(): Promise<BlobInfo[]>;
  /** What the whole ones take on disk. */
  usage(): { readonly bytes: number; readonly count: number; readonly maxBytes: number };
}

export interface BlobFetchOptions {
  readonly multiaddrs?: readonly string[];
  readonly maxBytes?: number;
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

/**
 * Opens a URL for reading, by scheme: the seam through which http(s), gftp and archives join.
 * It throws TransferError; the caller checks hash and size of what comes.
 */
export interface TransferSource {
  /** Without the colon: `blob`, `https`. */
  readonly schemes: readonly string[];
  open(
    url: URL,
    options: { readonly signal: AbortSignal; readonly maxBytes: number },
  ): Promise<{ readonly sizeBytes?: number; readonly bytes: AsyncIterable<Uint8Array> }>;
}
