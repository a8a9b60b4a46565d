import { randomUUID } from 'node:crypto';
import { M, type MarketEvent, type Proposal, type Rental } from './rental.ts';
import type { YagnaClient } from './yagna-client.ts';

const COEFFICIENTS = 'golem.com.pricing.model.linear.coeffs';

/** What a provider's program offers. */
export const OFFER = {
  properties: {
    'golem.runtime.name': 'wasmtime',
    'golem.inf.mem.gib': 0.5,
    'golem.com.scheme': 'payu',
    'golem.com.pricing.model': 'linear',
    'golem.com.usage.vector': ['golem.usage.duration_sec', 'golem.usage.cpu_sec'],
    [COEFFICIENTS]: [0.0001, 0.0002, 0.001],
    my: { agent: 'by-hand' },
  },
  constraints: '(golem.srv.comp.expiration>0)',
};

/** A provider's program that negotiates by hand. */
export class Seller {
  readonly client: YagnaClient;
  readonly path: string;
  readonly session = randomUUID();
  readonly body = OFFER;

  private constructor(client: YagnaClient, subscriptionId: string) {
    this.client = client;
    this.path = `${M}/offers/${subscriptionId}`;
  }

  static async publish(client: YagnaClient): Promise<Seller> {
    return new Seller(client, await client.post<string>(`${M}/offers`, OFFER));
  }

  proposalPath(proposalId: string): string {
    return `${this.path}/proposals/${proposalId}`;
  }

  async proposal(): Promise<Proposal> {
    const { proposal } = await this.#event('ProposalEvent');
    return proposal!;
  }

  /** The id of an agreement that waits to be approved. */
  async agreement(): Promise<string> {
    const { agreement } = await this.#event('AgreementEvent');
    return agreement!.agreementId;
  }

  /** What a buyer has rejected, and why. */
  rejection(): Promise<MarketEvent> {
    return this.#event('ProposalRejectedEvent');
  }

  counter(proposalId: string, prices: readonly number[]): Promise<string> {
    const properties = { ...OFFER.properties, [COEFFICIENTS]: prices };
    return this.client.post(this.proposalPath(proposalId), { ...OFFER, properties });
  }

  /** Says yes to whatever a buyer proposes next; what the buyer hears. */
  async agrees(buyer: Rental): Promise<MarketEvent> {
    const counterId = await buyer.counter((await buyer.initial()).proposalId);
    const { proposalId } = await this.proposal();
    await this.client.post(this.proposalPath(proposalId), OFFER);
    return buyer.answer(counterId);
  }

  end(agreementId: string): Promise<unknown> {
    return this.client.post(`${M}/agreements/${agreementId}/terminate`, { message: 'closing time' });
  }

  #event(eventType: string): Promise<MarketEvent> {
    return this.client.event(
      `${this.path}/events?timeout=5&maxEvents=1`,
      (event) => event.eventType === eventType,
    );
  }
}
