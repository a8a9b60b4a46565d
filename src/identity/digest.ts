import { concat, keccak256, toUtf8Bytes, TypedDataEncoder } from 'ethers';
import type { DocumentKind } from '../interface/identity.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { CONTENT_FIELD, DOCUMENT_TYPES, DOMAIN_NAME, DOMAIN_VERSION, type TypedField } from './documents.ts';
import { IdentityError } from './errors.ts';

/** Of the EIP-712 domain, which keeps a signature from counting elsewhere. */
export interface DomainInit {
  /** Chain id of the EIP-712 domain; nodes of one market share it. */
  readonly chainId: number;
}

export type Digest = (kind: DocumentKind, document: object) => string;

/** Makes the function that both signing and verifying rest on. Domain and encoders are computed once: they are half the cost. */
export function digester(init: DomainInit): Digest {
  const domainHash = TypedDataEncoder.hashDomain({
    name: DOMAIN_NAME,
    version: DOMAIN_VERSION,
    chainId: init.chainId,
  });
  const encoders = new Map<string, TypedDataEncoder>();
  for (const [kind, fields] of Object.entries(DOCUMENT_TYPES)) {
    const members = [...fields, CONTENT_FIELD].map(({ name, type }) => ({ name, type }));
    encoders.set(kind, TypedDataEncoder.from({ [kind]: members }));
  }
  return (kind, document) => {
    const encoder = encoders.get(kind);
    if (encoder === undefined) {
      throw new IdentityError('ERR_IDENTITY_DOCUMENT', `No signed document is called ${kind}`, { kind });
    }
    try {
      return keccak256(concat(['0x1901', domainHash, encoder.hash(typedValue(kind, document))]));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message.slice(0, 512) : String(cause);
      throw new IdentityError(
        'ERR_IDENTITY_DOCUMENT',
        `This ${kind} cannot be signed or verified: ${why}`,
        { kind },
        { cause },
      );
    }
  };
}

/** The struct of a document: its shown members and `content`. */
function typedValue(kind: DocumentKind, document: object): Record<string, unknown> {
  const value: Record<string, unknown> = { content: contentHash(document) };
  for (const field of DOCUMENT_TYPES[kind]) value[field.name] = member(document, field);
  return value;
}

function contentHash(document: object): string {
  const covered: Record<string, unknown> = { ...document };
  delete covered['signature'];
  return keccak256(toUtf8Bytes(canonicalJson(covered)));
}

/** ethers coerces (a number for a string, "0x10" for 16): only a value of the exact JSON type is taken. */
function member(document: object, field: TypedField): unknown {
  const path = field.path ?? [field.name];
  let value: unknown = document;
  for (const key of path) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  }
  if (!isOfType(value, field.type)) {
    throw new TypeError(`${path.join('.')} is ${value === undefined ? 'missing' : `no ${field.type}`}`);
  }
  return value;
}

function isOfType(value: unknown, type: TypedField['type']): boolean {
  if (type === 'bool') return typeof value === 'boolean';
  if (type === 'uint64') return Number.isSafeInteger(value);
  if (type === 'uint256') return typeof value === 'string' && /^(0|[1-9][0-9]{0,76})$/.test(value);
  return typeof value === 'string';
}
