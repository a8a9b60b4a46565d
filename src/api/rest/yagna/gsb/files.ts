import type { BlobInfo } from '../../../../interface/index.ts';
import { transferError } from '../errors.ts';
import type { YagnaContext } from '../init.ts';
import { receiveFile, sendFile } from './gftp.ts';
import type { GsbServices } from './services.ts';

const HTTP = /^https?:\/\//i;
const OWN_BLOB = /^blob:(sha256:[0-9a-f]{64})$/;

type Context = Pick<YagnaContext, 'blobs' | 'address' | 'clock'>;

/** What a transfer may take. */
export interface FileLimits {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

/** Files of clients: brought from where they say into blobs, and from blobs to where they say. */
export class Files {
  readonly #context: Context;
  readonly #services: GsbServices;

  constructor(context: Context, services: GsbServices) {
    this.#context = context;
    this.#services = services;
  }

  /** @throws YagnaError ERR_YAGNA_TRANSFER, TransferError */
  async bring(url: string, { signal, maxBytes }: FileLimits): Promise<BlobInfo> {
    const { blobs } = this.#context;
    const own = OWN_BLOB.exec(url)?.[1];
    if (own !== undefined) {
      const info = await blobs.stat(own);
      if (info === undefined) throw transferError(url, 'there is no such blob here');
      return info;
    }
    if (url.startsWith('gftp://')) {
      return blobs.put(this.receive(url, { signal, maxBytes }), { signal, maxBytes });
    }
    if (!HTTP.test(url)) throw transferError(url, 'files are taken from http, https, gftp and blob URLs');
    return blobs.put(await download(url, signal), { signal, maxBytes });
  }

  /** @throws YagnaError ERR_YAGNA_TRANSFER, TransferError */
  async deliver(hash: string, url: string, signal: AbortSignal): Promise<void> {
    const { blobs } = this.#context;
    if (url.startsWith('gftp://')) return this.send(url, blobs.read(hash), signal);
    if (!HTTP.test(url)) throw transferError(url, 'files are put to http, https and gftp URLs');
    const info = await blobs.stat(hash);
    await upload(url, blobs.read(hash), info?.sizeBytes ?? 0, signal);
  }

  /** The file that a client of this node publishes as `gftp://<node>/<id>`. */
  receive(url: string, limits: FileLimits): AsyncIterable<Uint8Array> {
    return receiveFile(this.#services, this.#gftpService(url), limits);
  }

  /** To a client of this node that waits for a file as `gftp://<node>/<id>`. */
  send(url: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    return sendFile(this.#services, this.#gftpService(url), bytes, signal);
  }

  #gftpService(url: string): string {
    const [, node = '', id = ''] = /^gftp:\/\/([^/]+)\/(.+)$/.exec(url) ?? [];
    if (node.toLowerCase() !== this.#context.address.toLowerCase())
      throw transferError(url, `it is at the node ${node.slice(0, 64)}, not at this one`);
    return `/public/gftp/${id}`;
  }
}

async function download(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const response = await fetch(url, { signal, redirect: 'follow' }).catch((cause: unknown) => {
    throw transferError(url, cause instanceof Error ? describe(cause) : 'it cannot be reached', cause);
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw transferError(url, `the server answers ${response.status}`);
  }
  return bytesOf(response);
}

async function* bytesOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  for await (const chunk of body) if (chunk instanceof Uint8Array) yield chunk;
}

async function upload(
  url: string,
  bytes: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(url, {
    method: 'PUT',
    signal,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(sizeBytes) },
    body: ReadableStream.from(bytes),
    duplex: 'half',
  }).catch((cause: unknown) => {
    throw transferError(url, cause instanceof Error ? describe(cause) : 'it cannot be reached', cause);
  });
  await response.body?.cancel();
  if (!response.ok) throw transferError(url, `the server answers ${response.status}`);
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
