import { Type, type Static } from 'typebox';
import {
  Address,
  Digest,
  isErgonError,
  type AgreementRecord,
  type DocumentKind,
  type Verifier,
} from '../interface/index.ts';
import { closed } from './schemas/common.ts';

const Check = Type.Object(
  {
    document: Type.String({ description: 'offer, agreement or termination' }),
    party: Type.Union([Type.Literal('requestor'), Type.Literal('provider')]),
    address: Address,
    status: Type.Union([Type.Literal('valid'), Type.Literal('invalid'), Type.Literal('missing')]),
    message: Type.Optional(Type.String()),
  },
  closed,
);
type Check = Static<typeof Check>;

export const AgreementVerification = Type.Object(
  {
    /** Every signature that the state asks for is there, and all that are there hold. */
    valid: Type.Boolean(),
    digest: Type.Object({ recorded: Digest, computed: Digest, matches: Type.Boolean() }, closed),
    signatures: Type.Array(Check),
  },
  closed,
);
export type AgreementVerification = Static<typeof AgreementVerification>;

const SIGNED_BY_BOTH: readonly string[] = ['Approved', 'Terminated'];

/** Holds the signatures of a stored agreement against its documents, anew. */
export function verifyAgreement(record: AgreementRecord, verifier: Verifier): AgreementVerification {
  const { agreement, signatures, termination, state } = record;
  const computed = verifier.digest('Agreement', agreement);
  const check = (
    party: 'requestor' | 'provider',
    kind: DocumentKind,
    document: object,
    signature?: string,
  ): Check => checkSignature(verifier, { party, address: agreement[party], kind, document, signature });
  const checks = [
    check('provider', 'Offer', agreement.offer, agreement.offer.signature),
    check('requestor', 'Agreement', agreement, signatures.requestor),
    check('provider', 'Agreement', agreement, signatures.provider),
    ...(termination ? [check(termination.by, 'Termination', termination, termination.signature)] : []),
  ];
  const matches = computed === record.digest;
  const holds = checks.every(
    ({ status }) => status === 'valid' || (status === 'missing' && !SIGNED_BY_BOTH.includes(state)),
  );
  return {
    valid: matches && holds,
    digest: { recorded: record.digest, computed, matches },
    signatures: checks,
  };
}

interface Claim {
  readonly party: 'requestor' | 'provider';
  readonly address: string;
  readonly kind: DocumentKind;
  readonly document: object;
  readonly signature: string | undefined;
}

function checkSignature(verifier: Verifier, { party, address, kind, document, signature }: Claim): Check {
  const named = { document: kind.toLowerCase(), party, address };
  if (signature === undefined) return { ...named, status: 'missing' };
  try {
    verifier.verify(kind, document, signature, address);
    return { ...named, status: 'valid' };
  } catch (error) {
    if (!isErgonError(error)) throw error;
    return { ...named, status: 'invalid', message: error.message };
  }
}
