import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, isIPv4, type LookupFunction } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../interface/clock.ts';
import { TransferError } from '../errors.ts';
import type { OutboundPolicy } from './outbound-policy.ts';
import { sendBody } from './send-body.ts';
import { IdleTimeout } from './idle-timeout.ts';
import { shownUrl } from './transfer-url.ts';

export interface HttpComponents {
  readonly policy: OutboundPolicy;
  /** All addresses of a host. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  readonly clock: Clock;
}

export interface HttpInit {
  /** The longest silence of a server. */
  readonly stallTimeoutMs: number;
  readonly maxRedirects: number;
}

/** One HTTP request. */
export interface Exchange {
  readonly method: 'GET' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  /** Made anew for each server that the request is sent on to. */
  readonly body?: () => AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** A response on its way, and the timeout that watches it. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Its bytes. @throws TransferError ERR_TRANSFER_UNREACHABLE when it breaks off or stalls */
  bytes(): AsyncGenerator<Uint8Array>;
  close(): void;
}

/** With the same method and body; the others turn a PUT into a GET. */
const KEEPING = [307, 308];
const REDIRECTS = [301, 302, 303, ...KEEPING];

/**
 * Asks a server, and those that it sends on to. Each host is resolved here, its addresses checked, and the connection
 * made to just these: what a name leads to a moment later does not matter.
 */
export async function sendRequest(
  target: URL,
  exchange: Exchange,
  init: HttpInit,
  components: HttpComponents,
): Promise<HttpResponse> {
  let url = target;
  for (let hop = 0; ; hop += 1) {
    const response = await sendOnce(url, exchange, init, components);
    const follows = exchange.method === 'GET' ? REDIRECTS : KEEPING;
    if (!follows.includes(response.status)) return response;
    response.close();
    if (hop >= init.maxRedirects) throw redirect(url, `sends on more than ${init.maxRedirects} times`);
    url = nextUrl(url, response.headers.location);
  }
}

function nextUrl(url: URL, location: string | undefined): URL {
  const next = location === undefined ? null : URL.parse(location, url.href);
  if (next === null || (next.protocol !== 'http:' && next.protocol !== 'https:')) {
    throw redirect(url, 'sends on to what is no http(s) URL');
  }
  if (url.protocol === 'https:' && next.protocol === 'http:')
    throw redirect(url, 'sends on from https to http');
  // Whoever is sent on to is not who the password was meant for.
  if (next.origin !== url.origin) next.username = next.password = '';
  return next;
}

async function sendOnce(
  url: URL,
  exchange: Exchange,
  init: HttpInit,
  { policy, lookup, clock }: HttpComponents,
): Promise<HttpResponse> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const found = isIP(host) === 0 ? await resolve(host, lookup) : [host];
  exchange.signal.throwIfAborted();
  const addresses = policy.permitted(host, found);
  const options = {
    method: exchange.method,
    headers: { 'user-agent': 'ergon', 'accept-encoding': 'identity', accept: '*/*', ...exchange.headers },
    agent: false,
    lookup: pinned(addresses),
    signal: exchange.signal,
  };
  const request =
    url.protocol === 'https:' ? httpsRequest(url.href, options) : httpRequest(url.href, options);
  const silent = unreachable(url, `was silent for ${init.stallTimeoutMs} ms`);
  const idleTimeout = new IdleTimeout(init.stallTimeoutMs, clock, silent, (error) => request.destroy(error));
  const response = responseOf(request, idleTimeout, url, exchange.signal);
  const { body } = exchange;
  if (body === undefined) request.end();
  else void sendBody(request, body, idleTimeout, clock);
  return response;
}

async function resolve(host: string, lookup: HttpComponents['lookup']): Promise<readonly string[]> {
  try {
    return await lookup(host);
  } catch (error) {
    const message = `${host.slice(0, 256)} cannot be resolved: ${error instanceof Error ? error.message : 'unknown'}`;
    throw new TransferError('ERR_TRANSFER_UNREACHABLE', message, {}, { cause: error });
  }
}

/** Answers the connection's question for addresses with those that were checked. */
function pinned(addresses: readonly string[]): LookupFunction {
  const records = addresses.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
  return (_host, options, callback) => {
    const first = records[0];
    if (options.all === true) callback(null, records);
    else callback(null, first?.address ?? '', first?.family);
  };
}

function responseOf(
  request: ClientRequest,
  idleTimeout: IdleTimeout,
  url: URL,
  signal: AbortSignal,
): Promise<HttpResponse> {
  return new Promise((resolveResponse, reject) => {
    // For as long as it lives: a connection may break more than once, and after the response.
    request.on('error', (error) => {
      idleTimeout.end();
      reject(isUntrusted(request) ? certificate(url, error) : failed(url, error, signal));
    });
    request.once('response', (message) => {
      idleTimeout.reset();
      resolveResponse({
        status: message.statusCode ?? 0,
        headers: message.headers,
        bytes: () => bytesOf(message, idleTimeout, url, signal),
        close: () => {
          idleTimeout.end();
          message.on('error', () => undefined);
          request.destroy();
        },
      });
    });
  });
}

async function* bytesOf(
  message: IncomingMessage,
  idleTimeout: IdleTimeout,
  url: URL,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of message) {
      // While the reader is busy the server has no chance to speak.
      idleTimeout.end();
      if (chunk instanceof Uint8Array) yield chunk;
      idleTimeout.reset();
    }
  } catch (error) {
    throw failed(url, idleTimeout.error ?? error, signal);
  } finally {
    idleTimeout.end();
  }
}

function failed(url: URL, error: unknown, signal: AbortSignal): Error {
  if (signal.aborted)
    return new TransferError('ERR_TRANSFER_ABORTED', 'The transfer was given up', {}, { cause: error });
  if (error instanceof TransferError) return error;
  return unreachable(url, error instanceof Error ? error.message || error.name : 'failed', error);
}

/** The handshake went well but for the certificate, which the next attempt would meet again. */
function isUntrusted({ socket }: ClientRequest): boolean {
  return socket instanceof TLSSocket && Boolean(socket.authorizationError);
}

function certificate(url: URL, cause: Error): TransferError {
  const message = `${shownUrl(url)}: its certificate is not to be trusted: ${cause.message}`.slice(0, 500);
  return new TransferError('ERR_TRANSFER_CERTIFICATE', message, {}, { cause });
}

function unreachable(url: URL, why: string, cause?: unknown): TransferError {
  return new TransferError(
    'ERR_TRANSFER_UNREACHABLE',
    `${shownUrl(url)}: ${why}`.slice(0, 500),
    {},
    { cause },
  );
}

function redirect(url: URL, why: string): TransferError {
  return new TransferError('ERR_TRANSFER_REDIRECT', `${shownUrl(url)} ${why}`);
}
