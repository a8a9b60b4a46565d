import { recoverAddress } from 'ethers';
import type { DocumentKind, Verifier } from '../interface/identity.ts';
import { digester, type DomainInit } from './digest.ts';
import { IdentityError } from './errors.ts';

const SIGNATURE = /^0x[0-9a-f]{130}$/;
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** Recomputes a document's digest and recovers its signer. */
export function verifier(init: DomainInit): Verifier {
  const digest = digester(init);
  return {
    digest,
    verify(kind, document, signature, expectedAddress) {
      const refuse = refusal(kind, expectedAddress);
      const malformed = formProblem(signature);
      if (malformed !== undefined) throw refuse(malformed);
      const recovered = recover(digest, kind, document, signature, refuse);
      // Case carries only a checksum in an address: the same twenty bytes are the same party.
      if (recovered.toLowerCase() !== expectedAddress.toLowerCase()) {
        throw refuse(
          `it was signed by ${recovered}, or changed since ${expectedAddress} signed it`,
          recovered,
        );
      }
    },
  };
}

type Refusal = (why: string, recovered?: string, cause?: unknown) => IdentityError;

function refusal(kind: DocumentKind, expected: string): Refusal {
  return (why, recovered, cause) =>
    new IdentityError(
      'ERR_IDENTITY_SIGNATURE',
      `The signature of this ${kind} is refused: ${why}`,
      { kind, expected, ...(recovered === undefined ? {} : { recovered }) },
      { cause },
    );
}

function recover(
  digest: Verifier['digest'],
  kind: DocumentKind,
  document: object,
  signature: string,
  refuse: Refusal,
): string {
  try {
    return recoverAddress(digest(kind, document), signature);
  } catch (cause) {
    throw refuse(
      cause instanceof Error ? cause.message.slice(0, 512) : 'it is no signature',
      undefined,
      cause,
    );
  }
}

/**
 * A signature has one form: r, s, v in lower-case hex, s in the lower half of the order, v 27 or 28. Without this,
 * anyone could turn a valid signature into another valid one of the same document.
 */
function formProblem(signature: string): string | undefined {
  if (typeof signature !== 'string' || !SIGNATURE.test(signature))
    return 'it is not 65 bytes in lower-case hex';
  if (BigInt(`0x${signature.slice(66, 130)}`) > HALF_ORDER)
    return 'its s is not in the lower half (malleated)';
  const v = signature.slice(130);
  return v === '1b' || v === '1c' ? undefined : 'its v is neither 27 nor 28';
}
