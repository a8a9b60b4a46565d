import type { Clock } from '../../../interface/clock.ts';
import type { Signer, Verifier } from '../../../interface/identity.ts';
import type { Logger } from '../../../interface/logger.ts';
import type { AgreementSource } from '../../../interface/payment.ts';
import type { Store } from '../../../interface/store.ts';

export interface LedgerComponents {
  readonly store: Store;
  readonly signer: Signer;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: () => string;
  readonly agreements: AgreementSource;
}

export type LedgerContext = LedgerComponents & { readonly platform: string };
