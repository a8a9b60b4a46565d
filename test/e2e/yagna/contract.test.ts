import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyMissing, yagnaPaths } from '../../../scripts/yagna-page.ts';
import { covers, DEVIATIONS } from '../../../scripts/yagna-deviations.ts';
import { ContractWatch } from '../../support/yagna-contract.ts';
import { GolemMarket } from '../golem-js/golem-market.ts';
import { A, inMinutes, M, P, PLATFORM, Rental, type PollEvent, type Proposal } from './rental.ts';
import { YagnaClient } from './yagna-client.ts';

/** Paths that another test (test/unit/api/yagna/networks.test.ts) holds against their answers. */
const ELSEWHERE = /^\S+ \/net-api\/v2\/vpn\//;

describe("Yagna's API between real nodes, each answer held against its specifications", () => {
  const watch = new ContractWatch();
  let market: GolemMarket;
  let requestor: YagnaClient;
  let provider: YagnaClient;
  let rental: Rental;
  beforeAll(async () => {
    market = await GolemMarket.start({ provider: { provider: { debitNoteIntervalMs: 2_000 } } });
    requestor = new YagnaClient(market.requestor, watch);
    provider = new YagnaClient(market.providers[0]!, watch);
    rental = new Rental(requestor);
  });
  afterAll(() => market.stop());

  it('tells who it is, and of its money', async () => {
    for (const client of [requestor, provider]) {
      await client.get('/version/get');
      await client.get('/me');
      await client.get('/net-api/v2/net/status');
      await client.get(`${P}/requestorAccounts`);
      await client.get(`${P}/providerAccounts`);
      await client.get(`${P}/payments/status`);
      await client.get(`${M}/offers`);
    }
    await rental.allocate();
    await requestor.get(`${P}/allocations`);
    await requestor.get(`${P}/allocations/${rental.allocationId}`);
    const structured = await requestor.call('POST', `${P}/allocations`, {
      totalAmount: '1e-3',
      paymentPlatform: { driver: 'erc20', network: 'holesky', token: 'tglm' },
    });
    expect(structured).toMatchObject({
      status: 201,
      body: { totalAmount: '0.001', paymentPlatform: PLATFORM },
    });
  });

  it('scans the market', async () => {
    const scanId = await requestor.post<string>(`${M}/scan`, { type: 'offer', constraints: '(&)' });
    const offers = await requestor.get<object[]>(`${M}/scan/${scanId}/events?timeout=5`);
    expect(offers.length).toBeGreaterThan(0);
    await requestor.ok('DELETE', `${M}/scan/${scanId}/events`);
    expect((await requestor.call('GET', `${M}/scan/${scanId}/events?timeout=0`)).status).toBe(404);
    expect((await requestor.call('DELETE', `${M}/scan/${scanId}/events`)).status).toBe(404);
  });

  it('negotiates by hand', async () => {
    await rental.demand();
    await requestor.get(`${M}/demands`);
    const initial = await rental.initial();
    const path = `${M}/demands/${rental.demandId}/proposals`;
    expect(await requestor.get(`${path}/${initial.proposalId}`)).toEqual(initial);
    const greedy = { ...rental.body, constraints: `(&${rental.body.constraints}(golem.inf.mem.gib>=9000))` };
    const refusedId = await rental.counter(initial.proposalId, greedy);
    expect(await rental.answer(refusedId)).toMatchObject({
      eventType: 'ProposalRejectedEvent',
      reason: { message: expect.any(String) as string },
    });
    const unwanted = await rental.answer(await rental.counter(initial.proposalId));
    const reject = `${path}/${unwanted.proposal!.proposalId}/reject`;
    await requestor.post(reject, { message: 'too slow' });
    expect((await requestor.call('POST', reject)).status).toBe(410);
    const counterId = await rental.counter(initial.proposalId);
    const { proposal } = await rental.answer(counterId);
    expect(proposal).toMatchObject({ state: 'Draft', prevProposalId: counterId, issuerId: initial.issuerId });
    expect(await requestor.get<Proposal>(`${path}/${counterId}`)).toMatchObject({ state: 'Draft' });
    expect((await requestor.call('POST', `${path}/${refusedId}/reject`, { message: 'no' })).status).toBe(410);
    await rental.agree(proposal!.proposalId);
    await requestor.get(`${M}/agreements/${rental.agreementId}`);
    const early = await requestor.call('POST', `${M}/agreements/${rental.agreementId}/wait?timeout=1`);
    expect(early.status).toBe(409);
    expect((await requestor.call('POST', `${M}/agreements/${rental.agreementId}/terminate`)).status).toBe(
      409,
    );
    await rental.confirm();
    await rental.wait();
    await rental.polled('agreement', ({ eventType }) => eventType === 'AgreementApprovedEvent');
    for (const client of [requestor, provider]) {
      expect(await client.get(`${M}/agreements/${rental.agreementId}`)).toMatchObject({ state: 'Approved' });
      await client.get(`${M}/agreements?state=Approved`);
    }
    expect((await requestor.call('POST', `${M}/agreements/${rental.agreementId}/confirm`)).status).toBe(410);
    expect((await requestor.call('POST', `${M}/agreements/${rental.agreementId}/cancel`)).status).toBe(410);
  });

  it('lets bills be refused', async () => {
    const other = new Rental(requestor);
    await other.allocate();
    await other.demand();
    await other.agree((await other.negotiate()).proposalId);
    await other.confirm();
    await other.wait();
    await other.activity();
    await other.exec([{ deploy: {} }, { start: {} }]);
    const { debitNoteId } = await other.polled('debitNote', () => true);
    const rejection = { rejectionReason: 'BAD_SERVICE', totalAmountAccepted: '0', message: 'too slow' };
    await requestor.post(`${P}/debitNotes/${debitNoteId}/reject`, rejection);
    await requestor.call('POST', `${M}/agreements/${other.agreementId}/terminate`);
    const { invoiceId } = await other.invoice();
    for (let times = 0; times < 2; times += 1)
      await requestor.post(`${P}/invoices/${invoiceId}/reject`, rejection);
    const accept = { totalAmountAccepted: '0', allocationId: other.allocationId };
    expect((await requestor.call('POST', `${P}/invoices/${invoiceId}/accept`, accept)).status).toBe(400);
    await requestor.ok('DELETE', `${M}/demands/${other.demandId}`);
  });

  it('gives back what was agreed on but not confirmed', async () => {
    const { proposalId } = await rental.negotiate();
    const id = await requestor.post<string>(`${M}/agreements`, {
      proposalId,
      validTo: inMinutes(5),
    });
    await requestor.post(`${M}/agreements/${id}/cancel`, { message: 'changed my mind' });
    for (const end of ['cancel', 'terminate', 'confirm', 'wait'])
      expect((await requestor.call('POST', `${M}/agreements/${id}/${end}`)).status, end).toBe(410);
    const again = await requestor.call('POST', `${M}/agreements`, {
      proposalId,
      validTo: inMinutes(5),
    });
    expect(again.status).toBe(410);
  });

  it('works: batches, results, streams, state and usage', async () => {
    await rental.activity();
    const path = `${A}/activity/${rental.activityId}`;
    await rental.results(await rental.exec([{ deploy: {} }, { start: {} }]));
    const run = (...args: string[]): object => ({
      run: {
        entry_point: 'workload',
        args,
        capture: { stdout: { atEnd: { format: 'string' } }, stderr: { atEnd: { format: 'string' } } },
      },
    });
    const batchId = await rental.exec([run('tick', '2', '1500'), run('exit', '3')]);
    expect((await requestor.call('GET', `${path}/exec/${batchId}?timeout=0&commandIndex=1`)).status).toBe(
      408,
    );
    await requestor.get(`${path}/command`);
    await requestor.get(`${path}/state`);
    const results = await rental.results(batchId);
    expect(results.map(({ result }) => result)).toEqual(['Ok', 'Error']);
    const stream = await requestor.call<string>('GET', `${path}/exec/${batchId}`, undefined, {
      headers: { accept: 'text/event-stream' },
    });
    expect(stream.body).toContain('"finished":{"return_code":3');
    expect(await requestor.get(`${path}/agreement`)).toBe(rental.agreementId);
    await requestor.get(`${path}/usage`);
    for (const read of ['state', 'usage', 'agreement']) await provider.get(`${path}/${read}`);
  });

  it('bills what runs', async () => {
    const { debitNoteId } = await rental.polled(
      'debitNote',
      ({ eventType }) => eventType === 'DebitNoteReceivedEvent',
    );
    const note = await requestor.get<{ totalAmountDue: string }>(`${P}/debitNotes/${debitNoteId}`);
    const accept = `${P}/debitNotes/${debitNoteId}/accept`;
    const wrong = { totalAmountAccepted: '99', allocationId: rental.allocationId };
    expect((await requestor.call('POST', accept, wrong)).status).toBe(400);
    const right = { totalAmountAccepted: note.totalAmountDue, allocationId: rental.allocationId };
    await requestor.post(accept, right);
    await requestor.post(accept, right);
    const rejected = await requestor.call('POST', `${P}/debitNotes/${debitNoteId}/reject`, {
      rejectionReason: 'INCORRECT_AMOUNT',
      totalAmountAccepted: '0',
    });
    expect(rejected.status).toBe(400);
    const unknown = { ...right, allocationId: 'unknown' };
    expect((await requestor.call('POST', `${P}/debitNotes/${debitNoteId}/accept`, unknown)).status).toBe(200);
    await provider.event<PollEvent>(
      `${P}/debitNoteEvents?timeout=5&maxEvents=1000&afterTimestamp=${rental.since}`,
      (event) => event.debitNoteId === debitNoteId && event.eventType === 'DebitNoteAcceptedEvent',
    );
    for (const client of [requestor, provider]) {
      await client.get(`${P}/debitNotes?maxItems=100`);
      await client.get(`${P}/debitNotes/${debitNoteId}/payments`);
    }
  });

  it('ends, and is paid', async () => {
    const path = `${A}/activity/${rental.activityId}`;
    await requestor.ok('DELETE', `${path}?timeout=30`);
    expect(await requestor.get(`${path}/state`)).toMatchObject({ state: ['Terminated', null] });
    await requestor.post(`${M}/agreements/${rental.agreementId}/terminate`, { message: 'done' });
    expect((await requestor.call('POST', `${M}/agreements/${rental.agreementId}/terminate`)).status).toBe(
      410,
    );
    for (const client of [requestor, provider]) {
      await client.event<PollEvent>(
        `${M}/agreementEvents?timeout=5&maxEvents=1000&afterTimestamp=${rental.since}`,
        ({ agreementId, eventType }) =>
          agreementId === rental.agreementId && eventType === 'AgreementTerminatedEvent',
      );
      const reason = await client.post(`${M}/agreements/${rental.agreementId}/terminate/reason`);
      expect(reason).toMatchObject({ terminator: 'Requestor', reason: { message: 'done' } });
    }
    const { invoiceId } = await rental.invoice();
    await rental.pay();
    await provider.event<PollEvent>(
      `${P}/invoiceEvents?timeout=5&maxEvents=1000&afterTimestamp=${rental.since}`,
      (event) => event.invoiceId === invoiceId && event.eventType === 'InvoiceSettledEvent',
    );
    const [payment] = await requestor.get<{ paymentId: string }[]>(`${P}/payments?timeout=5`);
    for (const client of [requestor, provider]) {
      await client.get(`${P}/invoices`);
      await client.get(`${P}/payments?timeout=5`);
      await client.get(`${P}/payments/${payment!.paymentId}`);
      await client.get(`${P}/invoices/${invoiceId}/payments`);
    }
    await requestor.ok('DELETE', `${M}/demands/${rental.demandId}`);
    for (const [method, end] of [
      ['GET', '/events?timeout=1'],
      ['DELETE', ''],
    ] as const)
      expect((await requestor.call(method, `${M}/demands/${rental.demandId}${end}`)).status).toBe(404);
    const allocation = `${P}/allocations/${rental.allocationId}`;
    await requestor.ok('DELETE', allocation);
    for (const method of ['GET', 'DELETE'])
      expect((await requestor.call(method, allocation)).status).toBe(410);
  });

  it('refuses what makes no sense', async () => {
    const bad: [string, string, unknown][] = [
      ['POST', `${M}/demands`, { properties: {}, constraints: '((' }],
      ['POST', `${M}/demands`, '{'],
      ['POST', `${M}/scan`, { type: 'demand' }],
      ['POST', `${M}/agreements`, { proposalId: 'unknown', validTo: 'yesterday' }],
      ['GET', `${M}/agreementEvents?afterTimestamp=never`, undefined],
      ['POST', `${P}/allocations`, { totalAmount: 'much' }],
      ['GET', `${P}/demandDecorations?allocationIds=`, undefined],
      ['GET', `${P}/invoiceEvents?timeout=soon`, undefined],
      ['POST', `${A}/activity`, { agreement: 1 }],
    ];
    for (const [method, path, body] of bad)
      expect((await requestor.call(method, path, body)).status, `${method} ${path}`).toBe(400);
  });

  it.each(yagnaPaths())('%s refuses a bad key, and says so of what it does not know', async (route) => {
    const [method = '', path = ''] = route.split(' ');
    const url = path.replace(/\{[^}]+\}/g, 'unknown');
    if (path !== '/version/get') {
      expect((await requestor.call(method, url, undefined, { key: 'nobody' })).status).toBe(401);
    }
    if (path === url) return;
    const { status } = await requestor.call(method, url, BODIES[route]);
    expect(status).toBe(whyMissing(route) === undefined ? 404 : 501);
  });

  it('differs from the specifications where docs/yagna-compatibility.md says so, and nowhere else', () => {
    const findings = [...watch.findings.values()];
    expect(findings.filter((finding) => !DEVIATIONS.some((listed) => covers(listed, finding)))).toEqual([]);
    expect(DEVIATIONS.filter((listed) => !findings.some((finding) => covers(listed, finding)))).toEqual([]);
  });

  it('was asked for everything that it serves', () => {
    const served = yagnaPaths().filter((route) => whyMissing(route) === undefined && !ELSEWHERE.test(route));
    const wentWell = (route: string): boolean =>
      [...watch.seen].some((seen) => seen.startsWith(`${route} 2`));
    expect(served.filter((route) => !wentWell(route))).toEqual([]);
  });
});

const ACCEPT = { totalAmountAccepted: '1', allocationId: 'unknown' };
const REJECT = { rejectionReason: 'BAD_SERVICE', totalAmountAccepted: '0' };
/** What a request must hold before it is asked what it is about. */
const BODIES: Readonly<Record<string, object>> = {
  [`POST ${M}/demands/{subscriptionId}/proposals/{proposalId}`]: { properties: {}, constraints: '(&)' },
  [`POST ${A}/activity/{activityId}/exec`]: { text: '[]' },
  [`POST ${P}/debitNotes/{debitNoteId}/accept`]: ACCEPT,
  [`POST ${P}/debitNotes/{debitNoteId}/reject`]: REJECT,
  [`POST ${P}/invoices/{invoiceId}/accept`]: ACCEPT,
  [`POST ${P}/invoices/{invoiceId}/reject`]: REJECT,
};
