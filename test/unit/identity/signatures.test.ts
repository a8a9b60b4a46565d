import { keccak256, toUtf8Bytes, TypedDataEncoder } from 'ethers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DOCUMENT_TYPES, DOMAIN_NAME, DOMAIN_VERSION, verifier } from '../../../src/identity/index.ts';
import type { DocumentKind } from '../../../src/interface/identity.ts';
import { TEST_CHAIN_ID, testIdentity, testVerifier } from '../../support/identities.ts';
import { DOCUMENTS, KINDS } from './documents.ts';

const alice = testIdentity('alice');
const mallory = testIdentity('mallory');
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

type Path = readonly (string | number)[];

/** Paths of all values of a document, objects and lists included. */
function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Array.isArray(value)
    ? value.flatMap((item, index) => pathsOf(item, [...at, index]))
    : Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...at, key]));
  return at.length === 0 ? inner : [at, ...inner];
}

/** A copy with the value at `path` changed, taken away, or with something added to it. */
function mutate(document: object, path: Path, how: 'change' | 'remove' | 'retype', salt: number): object {
  const copy = structuredClone(document) as Record<string | number, unknown>;
  let parent = copy;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
  const key = path.at(-1)!;
  if (how === 'remove') {
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else Reflect.deleteProperty(parent, key);
  } else {
    parent[key] = how === 'change' ? changed(parent[key], salt) : retyped(parent[key]);
  }
  return copy;
}

function changed(value: unknown, salt: number): unknown {
  if (typeof value === 'string') return swapOne(value, salt);
  if (typeof value === 'number') return value + 1 + (salt % 1000);
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value)) return [...(value as unknown[]), salt];
  return { ...(value as object), [`added${salt}`]: salt };
}

/** Also the case of a letter counts: an address in other letters is another text. */
function swapOne(text: string, salt: number): string {
  const at = salt % Math.max(1, text.length);
  const swapped = text[at] === text[at]?.toUpperCase() ? text[at]?.toLowerCase() : text[at]?.toUpperCase();
  if (swapped !== undefined && swapped !== text[at]) return text.slice(0, at) + swapped + text.slice(at + 1);
  return `${text}${salt % 10}`;
}

function retyped(value: unknown): unknown {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return String(value);
  return null;
}

const refused = expect.objectContaining({ code: 'ERR_IDENTITY_SIGNATURE' }) as unknown;

function refusal(kind: DocumentKind, document: object, signature: string, address = alice.address): unknown {
  try {
    testVerifier.verify(kind, document, signature, address);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Canonical JSON by other means: the documents here need no more than sorted keys. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

describe.each(KINDS)('a signed %s', (kind) => {
  const document = DOCUMENTS[kind];
  const paths = pathsOf(document);

  test('is verified, with its signature inside or beside it, whatever the order of its members', async () => {
    const signature = await alice.signer.sign(kind, document);
    testVerifier.verify(kind, document, signature, alice.address);
    testVerifier.verify(kind, { signature, ...document }, signature, alice.address.toLowerCase());
    testVerifier.verify(
      kind,
      Object.fromEntries(Object.entries(document).reverse()),
      signature,
      alice.address,
    );
    expect(await alice.signer.sign(kind, { ...document, signature })).toBe(signature);
  });

  test('with any value changed, added, retyped or taken away is refused', async () => {
    const signature = await alice.signer.sign(kind, document);
    fc.assert(
      fc.property(
        fc.constantFrom(...paths),
        fc.constantFrom('change' as const, 'remove' as const, 'retype' as const),
        fc.nat(),
        (path, how, salt) => {
          expect(refusal(kind, mutate(document, path, how, salt), signature)).toEqual(refused);
        },
      ),
      { numRuns: 100 },
    );
    expect(refusal(kind, { ...document, added: 1 }, signature)).toEqual(refused);
    expect(refusal(kind, {}, signature)).toEqual(refused);
  });

  test('with any byte of its signature changed is refused', async () => {
    const signature = await alice.signer.sign(kind, document);
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 131 }), fc.integer({ min: 1, max: 15 }), (at, by) => {
        const digit = ((parseInt(signature[at]!, 16) + by) % 16).toString(16);
        const wrong = signature.slice(0, at) + digit + signature.slice(at + 1);
        expect(refusal(kind, document, wrong)).toEqual(refused);
      }),
      { numRuns: 40 },
    );
  });

  test('in a malleated, re-cased or cut form of its signature is refused', async () => {
    const signature = await alice.signer.sign(kind, document);
    const s = ORDER - BigInt(`0x${signature.slice(66, 130)}`);
    const v = signature.endsWith('1b') ? '1c' : '1b';
    const malleated = `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}`;
    const oldV = signature.endsWith('1b') ? '00' : '01';
    const forms = [
      malleated,
      `0x${signature.slice(2).toUpperCase()}`,
      signature.slice(0, -2),
      `${signature.slice(0, -2)}${oldV}`,
      `${signature}00`,
      '',
      '0x',
    ];
    for (const form of forms) expect(refusal(kind, document, form)).toEqual(refused);
  });

  test('by somebody else, as another kind or for another chain is refused', async () => {
    const signature = await alice.signer.sign(kind, document);
    expect(refusal(kind, document, signature, mallory.address)).toMatchObject({
      code: 'ERR_IDENTITY_SIGNATURE',
      detail: { kind, expected: mallory.address, recovered: alice.address },
    });
    for (const other of KINDS.filter((k) => k !== kind))
      expect(refusal(other, document, signature)).toEqual(refused);
    expect(() => verifier({ chainId: 1 }).verify(kind, document, signature, alice.address)).toThrow(
      expect.objectContaining({ code: 'ERR_IDENTITY_SIGNATURE' }) as Error,
    );
  });

  test('has the digest that any EIP-712 library computes of its type', () => {
    const fields = [...DOCUMENT_TYPES[kind], { name: 'content', type: 'bytes32' }];
    const types = { [kind]: fields.map(({ name, type }) => ({ name, type })) };
    const domain = { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId: TEST_CHAIN_ID };
    const seen: Record<string, unknown> = {};
    for (const field of DOCUMENT_TYPES[kind]) {
      seen[field.name] = (field.path ?? [field.name]).reduce<unknown>(
        (value, key) => (value as Record<string, unknown>)[key],
        document,
      );
    }
    seen['content'] = keccak256(toUtf8Bytes(sortedJson(document)));
    expect(testVerifier.digest(kind, document)).toBe(TypedDataEncoder.hash(domain, types, seen));
  });
});

test('the digests stand: a change of them would break every signature that was ever made', () => {
  expect(
    Object.fromEntries(KINDS.map((kind) => [kind, testVerifier.digest(kind, DOCUMENTS[kind])])),
  ).toMatchSnapshot();
});

test('what cannot be signed says so', async () => {
  await expect(alice.signer.sign('Termination', { by: 'x' })).rejects.toMatchObject({
    code: 'ERR_IDENTITY_DOCUMENT',
  });
  const circular: Record<string, unknown> = { ...DOCUMENTS.Termination };
  circular['self'] = circular;
  await expect(alice.signer.sign('Termination', circular)).rejects.toMatchObject({
    code: 'ERR_IDENTITY_DOCUMENT',
  });
  const unknown = 'Promise' as DocumentKind;
  await expect(alice.signer.sign(unknown, {})).rejects.toMatchObject({ code: 'ERR_IDENTITY_DOCUMENT' });
});
