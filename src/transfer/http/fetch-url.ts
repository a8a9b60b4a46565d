import { isErgonError } from '../../interface/errors.ts';
import type { BlobInfo, UrlFetch } from '../../interface/transfer.ts';
import { mismatch, TransferError } from '../errors.ts';
import { hexOf } from '../files.ts';
import type { PartialBlob } from '../partial-blob.ts';
import { tooLarge } from '../space.ts';
import type { UrlContext } from './context.ts';
import { sendRequest, type HttpResponse } from './http-request.ts';
import { badStatus, withRetries } from './retries.ts';
import { parseTransferUrl, type ExpectedDigest } from './transfer-url.ts';

/** Brings what a URL names into the blob store, going on after a broken connection where the server can. */
export async function fetchUrl(context: UrlContext, request: UrlFetch): Promise<BlobInfo> {
  const { url, digest } = parseTransferUrl(request.url);
  const named = request.expectedHash === undefined ? undefined : sha256Of(request.expectedHash);
  if (named !== undefined && digest?.algorithm === 'sha256' && digest.hex !== named.hex) {
    throw mismatch(named.hex, digest.hex);
  }
  const expected = named ?? digest;
  const known = expected?.algorithm === 'sha256' ? `sha256:${expected.hex}` : undefined;
  const here = known === undefined ? undefined : await context.blobs.stat(known);
  const info = here ?? (await new Fetch(context, request, url, expected).run());
  if (info.sizeBytes > request.maxBytes) throw tooLarge(request.maxBytes);
  return info;
}

const sha256Of = (hash: string): ExpectedDigest => ({ algorithm: 'sha256', hex: hexOf(hash) });

class Fetch {
  readonly #context: UrlContext;
  readonly #request: UrlFetch;
  readonly #url: URL;
  readonly #expected: ExpectedDigest | undefined;
  /** Of the file as the server had it when we began: a part of another one is not put behind it. */
  #validator: string | undefined;

  constructor(context: UrlContext, request: UrlFetch, url: URL, expected: ExpectedDigest | undefined) {
    this.#context = context;
    this.#request = request;
    this.#url = url;
    this.#expected = expected;
  }

  async run(): Promise<BlobInfo> {
    const { key, maxBytes } = this.#request;
    const expected = this.#expected;
    const options = { maxBytes, ...(expected === undefined ? {} : { expected }) };
    const partial = await this.#context.blobs.openUnnamed(key, options);
    const resumed = partial.offset > 0;
    try {
      await this.#fill(partial);
      return await partial.complete();
    } catch (error) {
      if (isErgonError(error, 'ERR_TRANSFER_TOO_LARGE')) await partial.discard().catch(() => undefined);
      // What an earlier attempt left may be of another version of the file: once more from the start.
      if (!resumed || !isErgonError(error, 'ERR_TRANSFER_HASH_MISMATCH')) throw error;
    } finally {
      await partial.close();
    }
    return this.run();
  }

  async #fill(partial: PartialBlob): Promise<void> {
    const { init, clock, random } = this.#context;
    const retries = {
      maxAttempts: init.maxAttempts,
      clock,
      ...(random === undefined ? {} : { random }),
      signal: this.#request.signal,
      reached: () => partial.offset,
    };
    await withRetries(retries, () => this.#attempt(partial));
  }

  async #attempt(partial: PartialBlob): Promise<void> {
    // With neither a hash to check in the end nor a version to ask for, nothing says that the rest fits.
    if (this.#expected === undefined && this.#validator === undefined) await partial.restart();
    const { signal, maxBytes } = this.#request;
    const headers = this.#rangeFrom(partial.offset);
    const response = await sendRequest(
      this.#url,
      { method: 'GET', headers, signal },
      this.#context.init,
      this.#context,
    );
    try {
      const sizeBytes = await this.#begin(partial, response);
      if (sizeBytes !== undefined && sizeBytes > maxBytes) throw tooLarge(maxBytes);
      await this.#receive(partial, response, sizeBytes);
    } finally {
      response.close();
    }
  }

  #rangeFrom(offset: number): Record<string, string> {
    if (offset === 0) return {};
    const range = { range: `bytes=${offset}-` };
    return this.#validator === undefined ? range : { ...range, 'if-range': this.#validator };
  }

  /** The size of the whole, if the server says it, with the partial blob at the place where its bytes go on. */
  async #begin(partial: PartialBlob, response: HttpResponse): Promise<number | undefined> {
    const { status, headers } = response;
    const range = status === 206 ? contentRange(headers['content-range']) : undefined;
    if (range !== undefined && range.start === partial.offset) return range.sizeBytes;
    const isRangeRefused = partial.offset > 0 && (status === 416 || status === 206);
    if (isRangeRefused) {
      await partial.restart();
      throw new TransferError(
        'ERR_TRANSFER_ABORTED',
        `${this.#url.host} does not have the range that was asked for`,
      );
    }
    if (status !== 200) throw badStatus(this.#url, response);
    if (partial.offset > 0) await partial.restart();
    const etag = headers.etag?.startsWith('"') === true ? headers.etag : undefined;
    this.#validator = etag ?? headers['last-modified'];
    const length = headers['content-length'];
    return length === undefined ? undefined : Number(length);
  }

  async #receive(partial: PartialBlob, response: HttpResponse, sizeBytes: number | undefined): Promise<void> {
    for await (const chunk of response.bytes()) {
      await partial.append(chunk);
      this.#request.onProgress?.(partial.offset, sizeBytes);
    }
    if (sizeBytes === undefined || partial.offset === sizeBytes) return;
    const message = `${partial.offset} of ${sizeBytes} bytes came from ${this.#url.host}`;
    throw new TransferError('ERR_TRANSFER_ABORTED', message);
  }
}

function contentRange(
  header: string | undefined,
): { start: number; sizeBytes: number | undefined } | undefined {
  const [, start, size] = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(header ?? '') ?? [];
  if (start === undefined) return undefined;
  return { start: Number(start), sizeBytes: size === '*' ? undefined : Number(size) };
}
