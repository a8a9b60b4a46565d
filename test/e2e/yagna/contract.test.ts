import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyMissing, yagnaPaths } from '../../../scripts/yagna-page.ts';
import { covers, DEVIATIONS } from '../../../scripts/yagna-deviations.ts';
import { ContractWatch } from '../../support/yagna-contract.ts';
import { GolemMarket } from '../golem-js/golem-market.ts';
import { A, inMinutes, M, P, PLATFORM, Rental, type PollEvent, type Proposal } from './rental.ts';
import { OFFER, Seller } from './seller.ts';
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
    const larger = await requestor.ok('PUT', `${P}/allocations/${rental.allocationId}`, {
      totalAmount: '7.5',
    });
    expect(larger).toMatchObject({ totalAmount: '7.5', remainingAmount: '7.5', spentAmount: '0' });
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

  it('sells by hand: offers, proposals and agreements that a program decides on', async () => {
    const buyer = new Rental(requestor);
    const seller = await Seller.publish(provider);
    await buyer.allocate();
    await buyer.demand('(my.agent=by-hand)');
    const initial = await buyer.initial();
    expect(initial.properties).toMatchObject({
      'my.agent': 'by-hand',
      'golem.inf.mem.gib': 0.5,
      'golem.com.pricing.model.linear.coeffs': [0.0001, 0.0002, 0.001],
    });

    const unwanted = await buyer.counter(initial.proposalId);
    const first = await seller.proposal();
    expect(first).toMatchObject({
      state: 'Draft',
      issuerId: (await requestor.get<{ identity: string }>('/me')).identity,
    });
    expect(await provider.get(seller.proposalPath(first.proposalId))).toEqual(first);
    await provider.post(`${seller.proposalPath(first.proposalId)}/reject`, { message: 'not you' });
    expect((await provider.call('POST', `${seller.proposalPath(first.proposalId)}/reject`)).status).toBe(410);
    expect(await buyer.answer(unwanted)).toMatchObject({ reason: { message: 'not you' } });

    const tried = await buyer.counter(initial.proposalId);
    const dear = await seller.counter((await seller.proposal()).proposalId, [1, 1, 1]);
    const { proposalId: draftId } = (await buyer.answer(tried)).proposal!;
    const draft = `${M}/demands/${buyer.demandId}/proposals/${draftId}`;
    expect((await requestor.call('POST', draft.replace(draftId, tried) + '/reject')).status).toBe(409);
    await requestor.post(`${draft}/reject`, { message: 'too dear' });
    expect(await seller.rejection()).toMatchObject({ proposalId: dear, reason: { message: 'too dear' } });
    expect((await provider.call('GET', seller.proposalPath(dear))).status).toBe(404);
    expect((await requestor.call('POST', `${draft}/reject`)).status).toBe(410);

    const wanted = await buyer.counter(initial.proposalId);
    const second = await seller.proposal();
    const beyond = await provider.call('POST', seller.proposalPath(second.proposalId), {
      ...seller.body,
      properties: { ...seller.body.properties, 'golem.inf.mem.gib': 4000 },
    });
    expect(beyond.status).toBe(400);
    const dearer = await seller.counter(second.proposalId, [0.0001, 0.0002, 0.002]);
    const { proposal } = await buyer.answer(wanted);
    expect(proposal!.properties).toMatchObject({
      'golem.com.pricing.model.linear.coeffs': [0.0001, 0.0002, 0.002],
    });
    expect(await provider.get(seller.proposalPath(dearer))).toMatchObject({
      prevProposalId: second.proposalId,
    });

    await buyer.agree(proposal!.proposalId);
    await buyer.confirm();
    expect(await seller.agreement()).toBe(buyer.agreementId);
    const approve = `${M}/agreements/${buyer.agreementId}/approve?appSessionId=${seller.session}`;
    expect(await provider.get(`${M}/agreements/${buyer.agreementId}`)).toMatchObject({ state: 'Pending' });
    await provider.post(approve);
    await buyer.wait();
    expect((await provider.call('POST', approve)).status).toBe(410);
    expect((await requestor.call('POST', approve)).status).toBe(404);
    const approved = await provider.get<PollEvent[]>(
      `${M}/agreementEvents?timeout=5&afterTimestamp=${buyer.since}&appSessionId=${seller.session}`,
    );
    expect(approved).toMatchObject([{ eventType: 'AgreementApprovedEvent', agreementId: buyer.agreementId }]);
    expect(await provider.get(`${M}/agreements?appSessionId=${seller.session}`)).toMatchObject([
      { id: buyer.agreementId, role: 'Provider' },
    ]);

    await buyer.activity();
    await buyer.results(await buyer.exec([{ deploy: {} }, { start: {} }]));
    const { debitNoteId } = await buyer.polled(
      'debitNote',
      ({ eventType }) => eventType === 'DebitNoteReceivedEvent',
    );
    await provider.post(`${P}/debitNotes/${debitNoteId}/send`);
    await provider.post(`${P}/debitNotes/${debitNoteId}/cancel`);
    await buyer.polled(
      'debitNote',
      (event) => event.eventType === 'DebitNoteCancelledEvent' && event.debitNoteId === debitNoteId,
    );
    await requestor.ok('DELETE', `${A}/activity/${buyer.activityId}?timeout=30`);
    for (const eventType of ['CreateActivity', 'DestroyActivity'])
      await provider.event<PollEvent>(
        `${A}/events?timeout=5&afterTimestamp=${buyer.since}&maxEvents=100&appSessionId=${seller.session}`,
        (event) => event.eventType === eventType && event.activityId === buyer.activityId,
      );
    await seller.end(buyer.agreementId);
    const { invoiceId } = await buyer.invoice();
    await provider.post(`${P}/invoices/${invoiceId}/send`);
    await provider.post(`${P}/invoices/${invoiceId}/cancel`);
    await buyer.polled('invoice', ({ eventType }) => eventType === 'InvoiceCancelledEvent');

    const { proposal: again } = await seller.agrees(buyer);
    await buyer.agree(again!.proposalId);
    await buyer.confirm();
    await provider.post(`${M}/agreements/${await seller.agreement()}/reject`, { message: 'full' });
    const rejected = await requestor.call('POST', `${M}/agreements/${buyer.agreementId}/wait?timeout=10`);
    expect(rejected).toMatchObject({ status: 410, body: { message: 'Rejected: full' } });
    expect((await provider.call('POST', `${M}/agreements/${buyer.agreementId}/reject`)).status).toBe(410);

    await provider.ok('DELETE', seller.path);
    for (const method of ['GET', 'DELETE'])
      expect(
        (await provider.call(method, method === 'GET' ? `${seller.path}/events?timeout=5` : seller.path))
          .status,
      ).toBe(404);
    await requestor.ok('DELETE', `${M}/demands/${buyer.demandId}`);
  });

  it('publishes no offer that this node could not keep', async () => {
    const bad: Record<string, unknown>[] = [
      { 'golem.runtime.name': 'sgx' },
      { 'golem.inf.mem.gib': 4000 },
      { 'golem.com.usage.vector': ['my.coffees'], 'golem.com.pricing.model.linear.coeffs': [1, 1] },
      { 'golem.com.pricing.model.linear.coeffs': [1] },
      { 'golem.com.payment.debit-notes.accept-timeout?': 1e9 },
      { [`golem.com.payment.platform.${PLATFORM}.address`]: '0x0000000000000000000000000000000000000001' },
      { 'golem.runtime.capabilities': ['vpn', 'teleport'] },
    ];
    for (const properties of bad) {
      const body = { ...OFFER, properties: { ...OFFER.properties, ...properties } };
      expect((await provider.call('POST', `${M}/offers`, body)).status, JSON.stringify(properties)).toBe(400);
    }
    expect((await requestor.call('POST', `${M}/offers`, OFFER)).status).toBe(409);
  });

  it('refuses what makes no sense', async () => {
    const bad: [string, string, unknown][] = [
      ['POST', `${M}/demands`, { properties: {}, constraints: '((' }],
      ['POST', `${M}/demands`, '{'],
      ['POST', `${M}/demands`, { properties: { '': '' }, constraints: '(&)' }],
      ['POST', `${M}/demands`, '{"properties":{"x":1e400},"constraints":"(&)"}'],
      ['POST', `${M}/demands`, { properties: { long: 'x'.repeat(5000) }, constraints: '(&)' }],
      ['POST', `${M}/scan`, { type: 'demand' }],
      ['POST', `${M}/agreements`, { proposalId: 'unknown', validTo: 'yesterday' }],
      ['GET', `${M}/agreementEvents?afterTimestamp=never`, undefined],
      ['POST', `${P}/allocations`, { totalAmount: 'much' }],
      ['POST', `${P}/allocations`, { totalAmount: '1', deposit: { id: '0x1', contract: '0x2' } }],
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
    // What can be no id is not known either.
    const impossible = await requestor.call(method, path.replace(/\{[^}]+\}/g, '%00'), BODIES[route]);
    expect(impossible.status).toBe(status);
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
  [`POST ${M}/offers/{subscriptionId}/proposals/{proposalId}`]: { properties: {}, constraints: '(&)' },
  [`PUT ${P}/allocations/{allocationId}`]: {},
  'POST /net-api/v2/vpn/net/{networkId}/addresses': { ip: '192.168.0.1' },
  'POST /net-api/v2/vpn/net/{networkId}/nodes': { id: `0x${'0'.repeat(39)}1`, ip: '192.168.0.2' },
  [`POST ${A}/activity/{activityId}/exec`]: { text: '[]' },
  [`POST ${P}/debitNotes/{debitNoteId}/accept`]: ACCEPT,
  [`POST ${P}/debitNotes/{debitNoteId}/reject`]: REJECT,
  [`POST ${P}/invoices/{invoiceId}/accept`]: ACCEPT,
  [`POST ${P}/invoices/{invoiceId}/reject`]: REJECT,
};
