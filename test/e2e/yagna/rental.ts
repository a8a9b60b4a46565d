import { randomUUID } from 'node:crypto';
import type { YagnaClient } from './yagna-client.ts';

export const M = '/market-api/v1';
export const A = '/activity-api/v1';
export const P = '/payment-api/v1';
export const PLATFORM = 'erc20-holesky-tglm';

export interface Proposal {
  readonly proposalId: string;
  readonly state: string;
  readonly issuerId: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly constraints: string;
  readonly prevProposalId?: string;
}
export interface MarketEvent {
  readonly eventDate: string;
  readonly eventType: string;
  readonly proposal?: Proposal;
  readonly proposalId?: string;
  readonly agreement?: { readonly agreementId: string; readonly state: string };
  readonly reason?: { readonly message: string };
}
export interface PollEvent {
  readonly eventType: string;
  readonly eventDate: string;
  readonly agreementId?: string;
  readonly activityId?: string;
  readonly invoiceId?: string;
  readonly debitNoteId?: string;
}
export interface BatchResult {
  readonly index: number;
  readonly result: string;
  readonly stdout?: string;
  readonly isBatchFinished: boolean;
}
interface Note {
  readonly debitNoteId: string;
  readonly agreementId: string;
  readonly totalAmountDue: string;
  readonly status: string;
}
type DemandBody = { readonly properties: Readonly<Record<string, unknown>>; readonly constraints: string };

export const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();

/** A requestor's program, step by step; each step leaves behind what the next one needs. */
export class Rental {
  readonly client: YagnaClient;
  readonly session = randomUUID();
  readonly since = new Date(Date.now() - 1000).toISOString();
  allocationId = '';
  body: DemandBody = { properties: {}, constraints: '(&)' };
  demandId = '';
  agreementId = '';
  activityId = '';
  readonly #told: MarketEvent[] = [];

  constructor(client: YagnaClient) {
    this.client = client;
  }

  async allocate(totalAmount = '5'): Promise<void> {
    const { allocationId } = await this.client.post<{ allocationId: string }>(`${P}/allocations`, {
      totalAmount,
      paymentPlatform: PLATFORM,
      address: '',
      timestamp: new Date().toISOString(),
      timeout: inMinutes(30),
      makeDeposit: false,
      remainingAmount: '',
      spentAmount: '',
      allocationId: '',
    });
    this.allocationId = allocationId;
  }

  /** Publishes a demand for the tests' program on WASI; `terms` are added to its constraints. */
  async demand(terms = '', runtime = 'wasmtime'): Promise<void> {
    const image = await this.client.get<{ http: string; sha3: string }>(
      '/v1/image/info?count=true&tag=ergon/workload:latest',
    );
    const decorations = await this.client.get<{
      properties: { key: string; value: string }[];
      constraints: string[];
    }>(`${P}/demandDecorations?allocationIds=${this.allocationId}`);
    this.body = {
      properties: {
        'golem.srv.caps.multi-activity': true,
        'golem.srv.comp.expiration': Date.now() + 20 * 60_000,
        'golem.srv.comp.task_package': `hash:sha3:${image.sha3}:${image.http}`,
        ...Object.fromEntries(decorations.properties.map(({ key, value }) => [key, value])),
      },
      constraints: `(&(golem.runtime.name=${runtime})${terms}\n\t${decorations.constraints.join('\n\t')})`,
    };
    this.demandId = await this.client.post<string>(`${M}/demands`, this.body);
  }

  /** The first event that is meant; the others, which are told only once, stay for whoever asks next. */
  async event(isMeant: (event: MarketEvent) => boolean): Promise<MarketEvent> {
    for (let polls = 0; polls < 12; polls += 1) {
      const at = this.#told.findIndex(isMeant);
      const [found] = at < 0 ? [] : this.#told.splice(at, 1);
      if (found !== undefined) return found;
      const path = `${M}/demands/${this.demandId}/events?timeout=5&maxEvents=10`;
      this.#told.push(...(await this.client.get<MarketEvent[]>(path)));
    }
    throw new Error(`demand ${this.demandId}: the event did not come`);
  }

  /** The next offer of the market, from `issuer` when there are several. */
  async initial(issuer?: string): Promise<Proposal> {
    const { proposal } = await this.event(
      (event) =>
        event.proposal?.state === 'Initial' &&
        (issuer ?? event.proposal.issuerId) === event.proposal.issuerId,
    );
    return proposal!;
  }

  counter(proposalId: string, body: DemandBody = this.body): Promise<string> {
    return this.client.post<string>(`${M}/demands/${this.demandId}/proposals/${proposalId}`, body);
  }

  /** The provider's answer to a counter-proposal. */
  async answer(counterId: string): Promise<MarketEvent> {
    return this.event(
      (event) => event.proposal?.prevProposalId === counterId || event.proposalId === counterId,
    );
  }

  /** Goes on to the next offer when a provider says no: what it had is taken, or stands under another id now. */
  async negotiate(): Promise<Proposal> {
    let refusal = '';
    for (let tries = 0; tries < 5; tries += 1) {
      const initial = await this.initial();
      const { proposal, reason } = await this.answer(await this.counter(initial.proposalId));
      if (proposal !== undefined) return proposal;
      refusal = reason?.message ?? '';
    }
    throw new Error(`every provider refused: ${refusal}`);
  }

  async agree(proposalId: string): Promise<void> {
    this.agreementId = await this.client.post<string>(`${M}/agreements`, {
      proposalId,
      validTo: inMinutes(10),
    });
  }

  async confirm(): Promise<void> {
    await this.client.post(`${M}/agreements/${this.agreementId}/confirm?appSessionId=${this.session}`);
  }

  async wait(): Promise<void> {
    await this.client.post(`${M}/agreements/${this.agreementId}/wait?timeout=30`);
  }

  async activity(): Promise<void> {
    const { activityId } = await this.client.post<{ activityId: string }>(`${A}/activity?timeout=5`, {
      agreementId: this.agreementId,
    });
    this.activityId = activityId;
  }

  exec(commands: readonly object[]): Promise<string> {
    return this.client.post<string>(`${A}/activity/${this.activityId}/exec`, {
      text: JSON.stringify(commands),
    });
  }

  /** All results of a batch, once it has ended. */
  async results(batchId: string): Promise<readonly BatchResult[]> {
    for (let polls = 0; polls < 12; polls += 1) {
      const results = await this.client.get<BatchResult[]>(
        `${A}/activity/${this.activityId}/exec/${batchId}?timeout=5`,
      );
      if (results.at(-1)?.isBatchFinished === true) return results;
    }
    throw new Error(`batch ${batchId} did not end`);
  }

  /** The first event of the rest of the contract, of this program's session. */
  polled(
    kind: 'agreement' | 'debitNote' | 'invoice',
    isMeant: (event: PollEvent) => boolean,
  ): Promise<PollEvent> {
    const prefix = kind === 'agreement' ? M : P;
    const query = `timeout=5&afterTimestamp=${this.since}&maxEvents=100&appSessionId=${this.session}`;
    return this.client.event(`${prefix}/${kind}Events?${query}`, isMeant);
  }

  /** The invoice comes once the last note is decided, as every note before it is here. */
  async invoice(): Promise<{ invoiceId: string; amount: string }> {
    for (let polls = 0; polls < 30; polls += 1) {
      await this.acceptNotes();
      const query = `timeout=1&afterTimestamp=${this.since}&appSessionId=${this.session}`;
      const events = await this.client.get<PollEvent[]>(`${P}/invoiceEvents?${query}`);
      const received = events.find(({ eventType }) => eventType === 'InvoiceReceivedEvent');
      if (received !== undefined) return this.client.get(`${P}/invoices/${received.invoiceId}`);
    }
    throw new Error(`no invoice of ${this.agreementId} came`);
  }

  async acceptNotes(): Promise<void> {
    const notes = await this.client.get<Note[]>(`${P}/debitNotes?maxItems=1000`);
    for (const { debitNoteId, totalAmountDue, status, agreementId } of notes) {
      if (status !== 'RECEIVED' || agreementId !== this.agreementId) continue;
      await this.client.post(`${P}/debitNotes/${debitNoteId}/accept`, {
        totalAmountAccepted: totalAmountDue,
        allocationId: this.allocationId,
      });
    }
  }

  async pay(): Promise<void> {
    const { invoiceId, amount } = await this.invoice();
    await this.client.post(`${P}/invoices/${invoiceId}/accept`, {
      totalAmountAccepted: amount,
      allocationId: this.allocationId,
    });
  }
}
