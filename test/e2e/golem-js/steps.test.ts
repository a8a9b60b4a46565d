import { EventSourceParserStream } from 'eventsource-parser/stream';
import type {
  Agreement,
  DebitNote,
  GolemNetwork,
  MarketOrderSpec,
  OfferProposal,
  ScannedOffer,
} from '@golem-sdk/golem-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DebitNoteRecord, InvoiceRecord } from '../../../src/interface/index.ts';
import { tarOf } from '../../support/tar.ts';
import type { Page } from '../market-pair.ts';
import { GolemMarket } from './golem-market.ts';
import { GUESTS } from './guests.ts';

/** A debit note every second. */
const often = (order: MarketOrderSpec): MarketOrderSpec => ({
  ...order,
  demand: { ...order.demand, payment: { midAgreementDebitNoteIntervalSec: 1 } },
});

interface Told {
  readonly id: string;
  readonly index: number;
  readonly kind: Readonly<Record<string, unknown>>;
}

const outputOf = (told: readonly Told[], index: number): string =>
  told
    .filter((event) => event.index === index)
    .map(({ kind }) => (typeof kind['stdout'] === 'string' ? kind['stdout'] : ''))
    .join('');

/** What began and ended, in order; output comes in whatever pieces it was found in. */
const stepsOf = (told: readonly Told[]): readonly string[] =>
  told.filter(({ kind }) => !('stdout' in kind)).map(({ index, kind }) => `${index} ${JSON.stringify(kind)}`);

describe.each(GUESTS)('golem-js, step by step, in the runtime $runtime', ({ order, tick }) => {
  let market: GolemMarket;
  let glm: GolemNetwork;
  beforeAll(async () => {
    market = await GolemMarket.start({
      provider: { provider: { maxAgreements: 1 } },
    });
    glm = await market.connect();
  });
  afterAll(async () => {
    await glm.disconnect();
    await market.stop();
  });

  const api = (method: string, path: string, body?: object, headers = {}): Promise<Response> =>
    market.requestor.raw(
      method,
      `/activity-api/v1${path}`,
      body === undefined ? undefined : JSON.stringify(body),
      {
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
    );

  /** The stream of a batch to its end, from behind the event of that id. */
  async function events(activityId: string, batchId: string, lastEventId?: string): Promise<Told[]> {
    const headers = {
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    };
    const answer = await api('GET', `/activity/${activityId}/exec/${batchId}`, undefined, headers);
    const told: Told[] = [];
    const lines = answer
      .body!.pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { id, event, data } of lines) {
      expect(event).toBe('runtime');
      told.push({ ...(JSON.parse(data) as Omit<Told, 'id'>), id: id ?? '' });
    }
    return told;
  }

  it('each step of the market, the activity and the payment by its own call', async () => {
    const allocation = await glm.payment.createAllocation({ budget: 1, expirationSec: 1800 });
    const details = await glm.market.buildDemandDetails(order.demand, order.market, allocation);
    const draft = await new Promise<OfferProposal>((resolve, reject) => {
      const demands = glm.market.publishAndRefreshDemand(details).subscribe((demand) => {
        const proposals = glm.market.collectMarketProposalEvents(demand).subscribe((event) => {
          if (event.type !== 'ProposalReceived') return;
          if (event.proposal.isInitial()) glm.market.negotiateProposal(event.proposal, details).catch(reject);
          if (!event.proposal.isDraft()) return;
          proposals.unsubscribe();
          demands.unsubscribe();
          resolve(event.proposal);
        });
      });
    });
    const agreement = await glm.market.proposeAgreement(draft);
    expect(agreement.provider.name).toBe('provider-1');
    const paid = new Promise<string>((resolve, reject) => {
      const invoices = glm.payment.observeInvoices().subscribe((invoice) => {
        if (invoice.agreementId !== agreement.id) return;
        invoices.unsubscribe();
        glm.payment
          .acceptInvoice(invoice, allocation, invoice.amount)
          .then(() => resolve(invoice.id), reject);
      });
    });

    const notes = glm.payment.observeDebitNotes().subscribe((note) => {
      if (note.agreementId === agreement.id)
        glm.payment.acceptDebitNote(note, allocation, note.totalAmountDue).catch(() => undefined);
    });
    const activity = await glm.activity.createActivity(agreement);
    expect(activity.getState()).toBe('Initialized');
    const exe = await glm.activity.createExeUnit(activity);
    expect((await glm.activity.refreshActivity(activity)).getState()).toBe('Ready');
    expect(await exe.run(...tick(1, 1))).toMatchObject({ result: 'Ok' });
    const usage = (await (await api('GET', `/activity/${activity.id}/usage`)).json()) as {
      currentUsage: number[];
    };
    expect(usage.currentUsage.some((figure) => figure > 0)).toBe(true);
    await streams(activity.id);

    const destroyed = await glm.activity.destroyActivity(activity);
    expect(destroyed.getState()).toBe('Terminated');
    await glm.market.terminateAgreement(agreement);
    expect((await glm.market.fetchAgreement(agreement.id)).getState()).toBe('Terminated');
    const invoice = await market.requestor.call<InvoiceRecord>('GET', `/v1/invoices/${await paid}`);
    expect(['Accepted', 'Settled']).toContain(invoice.state);
    const collected = await glm.payment.createInvoiceProcessor().collectInvoices();
    expect(collected.map(({ invoiceId }) => invoiceId)).toContain(await paid);
    notes.unsubscribe();
    await glm.payment.releaseAllocation(allocation);
  });

  /** A script of our own: archives with a choice of files, progress, captures, streams, and streams resumed. */
  async function streams(activityId: string): Promise<void> {
    const tree = tarOf([
      { name: 'tree/', type: '5', mode: 0o755 },
      { name: 'tree/a.txt', body: Buffer.from('a') },
      { name: 'tree/b.bin', body: Buffer.alloc(2_000_000) },
    ]);
    const { hash } = await market.requestor.upload('blobs', tree);
    const from = `blob:${hash}`;
    const script = [
      {
        transfer: {
          from,
          to: 'container:/tmp/all',
          format: 'tar',
          progress: { updateInterval: '1ms' },
        },
      },
      { transfer: { from, to: 'container:/tmp/some', format: 'tar', fileset: [{ includes: ['**/*.txt'] }] } },
      { transfer: { from: 'container:/tmp/some/tree/a.txt', to: 'container:copy.txt' } },
      {
        run: {
          entry_point: tick(3, 100)[0],
          args: tick(3, 100)[1],
          capture: { stdout: { stream: { limit: 20, format: 'string' } } },
        },
      },
    ];
    const batchId = (await (
      await api('POST', `/activity/${activityId}/exec`, { text: JSON.stringify(script) })
    ).json()) as string;
    const told = await events(activityId, batchId);
    expect(told.filter(({ kind }) => 'finished' in kind).map(({ kind }) => kind)).toEqual(
      script.map(() => ({ finished: { return_code: 0, message: null } })),
    );
    expect(told.some(({ index, kind }) => index === 1 && 'progress' in kind)).toBe(false);
    expect(outputOf(told, 3)).toBe('begin again\ntick 1\nt');
    // Whoever was cut off goes on behind what it has heard last.
    for (const at of [0, 3, told.length - 2]) {
      const rest = await events(activityId, batchId, told[at]!.id);
      expect(stepsOf(rest)).toEqual(stepsOf(told.slice(at + 1)));
      expect(outputOf(rest, 3)).toBe(outputOf(told.slice(at + 1), 3));
    }
    const results = (await (await api('GET', `/activity/${activityId}/exec/${batchId}`)).json()) as {
      isBatchFinished: boolean;
      stdout: string;
    }[];
    expect(results.map(({ isBatchFinished }) => isBatchFinished)).toEqual([false, false, false, true]);
    expect(results[3]!.stdout).toBe(outputOf(told, 3));
    // Of the archive only what was chosen is there.
    const text = JSON.stringify([
      { transfer: { from: 'container:/tmp/some/tree/b.bin', to: 'container:/tmp/b' } },
    ]);
    const other = (await (await api('POST', `/activity/${activityId}/exec`, { text })).json()) as string;
    const path = `/activity/${activityId}/exec/${other}?commandIndex=0&timeout=20`;
    expect(await (await api('GET', path)).json()).toMatchObject([{ result: 'Error', isBatchFinished: true }]);
  }

  it('a long run is paid by debit notes as it goes', async () => {
    const notes: DebitNote[] = [];
    const heard = glm.payment.observeDebitNotes().subscribe((note) => notes.push(note));
    const rental = await glm.oneOf({ order: often(order) });
    const exe = await rental.getExeUnit();
    expect(await exe.run(...tick(6, 1000))).toMatchObject({ result: 'Ok' });
    const { agreement } = rental;
    await rental.stopAndFinalize();
    heard.unsubscribe();
    const amounts = notes
      .filter((note) => note.agreementId === agreement.id)
      .map((note) => note.getPreciseAmount());
    expect(amounts.length).toBeGreaterThan(3);
    expect(amounts.every((amount, at) => at === 0 || amount.gte(amounts[at - 1]!))).toBe(true);
    const books = await market.providers[0]!.call<Page<DebitNoteRecord>>(
      'GET',
      `/v1/debit-notes?agreement=${agreement.id}`,
    );
    expect(books.items.some(({ state }) => state === 'Accepted' || state === 'Settled')).toBe(true);
  });

  it('a payment that is refused is refused on both sides, with the reason', async () => {
    const rental = await glm.oneOf({
      order: { ...order, payment: { invoiceFilter: () => false } },
    });
    await (await rental.getExeUnit()).run(...tick(1, 1));
    const { agreement } = rental;
    await rental.stopAndFinalize();
    for (const node of [market.requestor, market.providers[0]!]) {
      const refused = await node.until('the refused invoice', async () => {
        const { items } = await node.call<Page<InvoiceRecord>>(
          'GET',
          `/v1/invoices?agreement=${agreement.id}`,
        );
        return items.find(({ state }) => state === 'Rejected');
      });
      expect(JSON.stringify(refused)).toContain('rejected by Invoice Filter');
    }
  });

  it('an agreement that the provider has no room for is refused, and another one made when there is', async () => {
    const first = await glm.oneOf({ order });
    await first.getExeUnit();
    await expect(glm.oneOf({ order, signalOrTimeout: 4_000 })).rejects.toThrow();
    const waiting = glm.oneOf({ order, signalOrTimeout: 40_000 });
    await first.stopAndFinalize();
    const second = await waiting;
    expect(await (await second.getExeUnit()).run(...tick(1, 1))).toMatchObject({ result: 'Ok' });
    await second.stopAndFinalize();
    const states = (agreement: Agreement) =>
      glm.market.fetchAgreement(agreement.id).then((found) => found.getState());
    expect(await states(second.agreement)).toBe('Terminated');
  });

  it('scans the market', async () => {
    const { runtime } = order.demand.workload ?? {};
    const runtimeName = runtime?.name ?? 'vm';
    const spec = glm.market.buildScanSpecification({ workload: { runtime: { name: runtimeName } } });
    const offer = await new Promise<ScannedOffer>((resolve, reject) => {
      const scan = glm.market.scan(spec).subscribe({
        next: (found) => {
          scan.unsubscribe();
          resolve(found);
        },
        error: reject,
      });
    });
    expect(offer).toMatchObject({ provider: { name: 'provider-1' }, runtimeName });
  });
});
