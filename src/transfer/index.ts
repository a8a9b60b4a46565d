export { blobFetcher, type BlobFetcherComponents, type BlobFetcherInit } from './blob-fetcher.ts';
export { blobServer, type BlobServerComponents, type BlobServerInit } from './blob-server.ts';
export { blobStore, type BlobStore, type BlobStoreInit } from './blob-store.ts';
export { ChunkLists } from './chunk-lists.ts';
export { TransferError, transferErrors, type TransferErrorCode } from './errors.ts';
export { urlTransfers, type UrlTransfersComponents, type UrlTransfersInit } from './http/url-transfers.ts';
