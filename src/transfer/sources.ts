import type { Blobs, TransferSource } from '../interface/transfer.ts';
import { TransferError } from './errors.ts';

/** Reads from a URL by the source that knows its scheme. */
export interface TransferSources {
  readonly schemes: readonly string[];
  /** Throws ERR_TRANSFER_SCHEME, and whatever the source throws. */
  open: TransferSource['open'];
}

/** The table of sources by URL scheme; a later source of a scheme replaces an earlier one. */
export function transferSources(list: readonly TransferSource[]): TransferSources {
  const table = new Map(list.flatMap((source) => source.schemes.map((scheme) => [scheme, source] as const)));
  const schemes = [...table.keys()];
  return {
    schemes,
    async open(url, options) {
      const scheme = url.protocol.slice(0, -1);
      const source = table.get(scheme);
      if (source !== undefined) return source.open(url, options);
      const message = `Cannot read from a ${scheme}: URL; known are ${schemes.join(', ')}`;
      throw new TransferError('ERR_TRANSFER_SCHEME', message, { scheme, schemes });
    },
  };
}

/** `blob:sha256:…`: a blob of this node. */
export function blobSource(components: { blobs: Blobs }): TransferSource {
  return {
    schemes: ['blob'],
    async open(url) {
      const hash = url.pathname;
      const info = await components.blobs.stat(hash);
      if (info === undefined)
        throw new TransferError('ERR_TRANSFER_NOT_FOUND', `There is no blob ${hash}`, { hash });
      return { sizeBytes: info.sizeBytes, bytes: components.blobs.read(hash) };
    },
  };
}
