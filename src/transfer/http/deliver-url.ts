import type { UrlDelivery } from '../../interface/transfer.ts';
import { bytesOf, openPlain } from '../files.ts';
import type { UrlContext } from './context.ts';
import { sendRequest, type HttpResponse } from './http-request.ts';
import { badStatus, withRetries } from './retries.ts';
import { parseTransferUrl } from './transfer-url.ts';

/** Puts a file at a URL. A PUT may be repeated, so a broken connection is no reason to give up. */
export async function deliverUrl(context: UrlContext, request: UrlDelivery): Promise<void> {
  const { url } = parseTransferUrl(request.url);
  const { init, clock, random } = context;
  const { signal } = request;
  const retries = {
    maxAttempts: init.maxAttempts,
    clock,
    ...(random === undefined ? {} : { random }),
    signal,
    reached: () => 0,
  };
  await withRetries(retries, async () => {
    const headers = {
      'content-length': String(request.sizeBytes),
      'content-type': 'application/octet-stream',
      expect: '100-continue',
    };
    const body = (): AsyncIterable<Uint8Array> => bodyOf(request);
    const response = await sendRequest(url, { method: 'PUT', headers, body, signal }, init, context);
    try {
      if (response.status < 200 || response.status >= 300) throw badStatus(url, response);
      await readToEnd(response);
    } finally {
      response.close();
    }
  });
}

async function* bodyOf({ path, sizeBytes, onProgress }: UrlDelivery): AsyncGenerator<Uint8Array> {
  const file = await openPlain(path);
  try {
    let sentBytes = 0;
    for await (const chunk of bytesOf(file, 0)) {
      yield chunk;
      sentBytes += chunk.byteLength;
      onProgress?.(sentBytes, sizeBytes);
    }
  } finally {
    await file.close();
  }
}

/** Nobody reads what a server says to an upload. */
const MAX_ANSWER_BYTES = 64 << 10;

/** A response that breaks off may be one that the server took back. */
async function readToEnd(response: HttpResponse): Promise<void> {
  let bytes = 0;
  for await (const chunk of response.bytes()) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) return;
  }
}
