import { providerChain, type ProviderPolicy } from './chains.ts';
import type { Negotiator } from './negotiator.ts';

/** The provider's policy, which its operator may change while the node runs: each answer goes by what holds then. */
export class LivePolicy {
  #policy: ProviderPolicy;
  #negotiators: readonly Negotiator[];

  constructor(policy: ProviderPolicy) {
    this.#policy = policy;
    this.#negotiators = providerChain(policy);
  }

  get negotiators(): readonly Negotiator[] {
    return this.#negotiators;
  }

  change(part: Partial<ProviderPolicy>): void {
    this.#policy = { ...this.#policy, ...part };
    this.#negotiators = providerChain(this.#policy);
  }
}
