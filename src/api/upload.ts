import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { BlobInfo } from '../interface/index.ts';
import { ApiError } from './errors.ts';
import type { ApiServer, RouteContext } from './route.ts';

/** Content types that are taken as a stream of bytes. */
export const UPLOAD_TYPES = ['application/octet-stream', 'application/wasm'] as const;

/** On this (encapsulated) server, a body is a stream, and JSON is refused. */
export function takeStreams(app: ApiServer): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...UPLOAD_TYPES], (_request, payload, done) => done(null, payload));
}

/** Streams the body of the request into the blobs. */
export async function receive(request: FastifyRequest, context: RouteContext): Promise<BlobInfo> {
  const { maxPackageBytes } = context.limits;
  const body = request.body;
  if (!(body instanceof Readable)) {
    throw new ApiError(
      'ERR_API_MEDIA_TYPE',
      `Send the file as the body, with content type ${UPLOAD_TYPES[0]}`,
    );
  }
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  if (declaredBytes > maxPackageBytes) throw tooLarge(maxPackageBytes, declaredBytes);
  try {
    return await context.blobs.put(bounded(body, maxPackageBytes), {
      maxBytes: maxPackageBytes,
      signal: context.stopSignal,
    });
  } catch (error) {
    if (error instanceof ApiError || body.errored === null) throw error;
    throw new ApiError('ERR_API_REQUEST', 'The upload broke off before its end', {}, { cause: error });
  }
}

/** A body without Content-Length is counted as it comes. */
async function* bounded(body: Readable, maxBytes: number): AsyncIterable<Uint8Array> {
  let receivedBytes = 0;
  // Left open when the limit is reached: destroying a request closes its connection before the answer.
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('A request body gives bytes');
    receivedBytes += chunk.byteLength;
    if (receivedBytes > maxBytes) throw tooLarge(maxBytes, receivedBytes);
    yield chunk;
  }
}

function tooLarge(maxBytes: number, bytes: number): ApiError {
  return new ApiError(
    'ERR_API_BODY_TOO_LARGE',
    `The upload is larger than ${maxBytes} bytes (api.maxPackageBytes)`,
    {
      maxBytes,
      bytes,
    },
  );
}
