import { TransferError } from '../errors.ts';

/** What the bytes of a URL must hash to. */
export interface ExpectedDigest {
  /** The algorithm's name in node:crypto. */
  readonly algorithm: 'sha256' | 'sha3-224' | 'sha3-256' | 'sha3-384' | 'sha3-512';
  readonly hex: string;
}

/** A URL, and the hash that what it names must have. */
export interface TransferTarget {
  readonly url: URL;
  readonly digest?: ExpectedDigest;
}

const SHA3_BY_HEX_LENGTH: Readonly<Record<number, ExpectedDigest['algorithm']>> = {
  56: 'sha3-224',
  64: 'sha3-256',
  96: 'sha3-384',
  128: 'sha3-512',
};

/**
 * `https://…`, `https://…#sha256:<hex>`, or as Yagna writes it `hash:sha3:<hex>:https://…`.
 * @throws TransferError ERR_TRANSFER_URL
 */
export function parseTransferUrl(text: string): TransferTarget {
  const prefixed = /^hash:(sha3|sha256):([0-9a-fA-F]+):(.*)$/s.exec(text);
  if (prefixed !== null) {
    const [, kind = '', hex = '', rest = ''] = prefixed;
    return { url: httpUrl(rest), digest: digestOf(kind, hex.toLowerCase()) };
  }
  const url = httpUrl(text);
  const suffixed = /^#(sha3|sha256):([0-9a-fA-F]+)$/.exec(url.hash);
  url.hash = '';
  if (suffixed === null) return { url };
  const [, kind = '', hex = ''] = suffixed;
  return { url, digest: digestOf(kind, hex.toLowerCase()) };
}

/** The URL for messages and logs: without user, password, query and fragment, which may be secret. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`.slice(0, 300);
}

function httpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TransferError('ERR_TRANSFER_URL', `Not an http(s) URL: ${JSON.stringify(text.slice(0, 100))}`);
  }
  return url;
}

function digestOf(kind: string, hex: string): ExpectedDigest {
  const algorithm =
    kind === 'sha3' ? SHA3_BY_HEX_LENGTH[hex.length] : hex.length === 64 ? 'sha256' : undefined;
  if (algorithm !== undefined) return { algorithm, hex };
  const message = `A ${kind} hash does not have ${hex.length} hex digits`;
  throw new TransferError('ERR_TRANSFER_URL', message, { kind, digits: hex.length });
}
