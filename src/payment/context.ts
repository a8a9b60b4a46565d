import type { Clock } from '../interface/clock.ts';
import type { Signer, Verifier } from '../interface/identity.ts';
import type { Logger } from '../interface/logger.ts';
import type { AgreementRecord } from '../interface/market.ts';
import type { AgreementSource, UsageSource } from '../interface/payment.ts';
import type { Reader, Store } from '../interface/store.ts';
import type { Sender } from '../interface/network.ts';
import { PaymentError } from './errors.ts';
import type { DriverRegistry } from './registry.ts';
import { sameAddress } from './wire.ts';

/** How this node bills and pays. */
export interface Settings {
  /** Bills are checked and decided as they come; without it they wait for accept or reject by hand. */
  readonly decideAtOnce: boolean;
  /** How far a provider's clock and meter may be ahead of ours. */
  readonly usageToleranceMs: number;
}

/** What every part of payment works with. */
export interface PaymentContext {
  readonly store: Store;
  readonly signer: Signer;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: () => string;
  readonly agreements: AgreementSource;
  readonly usage: UsageSource;
  readonly drivers: DriverRegistry;
  readonly settings: Settings;
}

/** The agreement that a bill is of. Throws when this node has none with this id. */
export async function requireAgreement(
  components: { agreements: AgreementSource },
  reader: Reader,
  agreementId: string,
): Promise<AgreementRecord> {
  const record = await components.agreements.agreement(reader, agreementId);
  if (record === undefined)
    throw new PaymentError('ERR_PAYMENT_AGREEMENT_NOT_FOUND', `Agreement ${agreementId} is not known here`, {
      agreementId,
    });
  return record;
}

/** The other party's address and peer. */
export function counterparty(record: AgreementRecord): Sender {
  const { agreement } = record;
  return record.role === 'provider'
    ? { peerId: agreement.demand.peerId, address: agreement.requestor }
    : { peerId: agreement.offer.peerId, address: agreement.provider };
}

/** Throws unless `sender` is the other party of an agreement in which we play `role`. */
export function requireParty(record: AgreementRecord, role: 'provider' | 'requestor', sender: Sender): void {
  const { agreementId } = record.agreement;
  if (record.role !== role || !sameAddress(counterparty(record).address, sender.address))
    throw new PaymentError(
      'ERR_PAYMENT_NOT_PARTY',
      `${sender.address} cannot act so on agreement ${agreementId}: it is not its ${role === 'provider' ? 'requestor' : 'provider'}`,
      { agreementId, sender: sender.address },
    );
}

/** Throws unless a document names `expected` as the party called `name`. */
export function requireNamed(name: string, found: string, expected: string): void {
  if (!sameAddress(found, expected))
    throw new PaymentError('ERR_PAYMENT_NOT_PARTY', `The ${name} is ${found}, not ${expected}`, {
      [name]: found,
      expected,
    });
}
