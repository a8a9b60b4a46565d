import { afterEach, expect, it } from 'vitest';
import { payment, ledger, type Payment } from '../../../src/payment/index.ts';
import {
  memoryNetwork,
  outboxDispatcher,
  type Fault,
  type OutboxDispatcher,
} from '../../../src/network/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import type { Network } from '../../../src/interface/network.ts';
import type { Store } from '../../../src/interface/store.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { newId } from '../../../src/util/id.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { testIdentity, testVerifier, type TestIdentity } from '../../support/identities.ts';
import {
  addActivity,
  addAgreement,
  addSample,
  agreementRecord,
  endActivity,
  sampleAt,
  terminateAgreement,
  twinAgreements,
  twinUsage,
} from '../../support/payment-world.ts';

interface Node {
  readonly identity: TestIdentity;
  readonly store: Store;
  readonly network: Network;
  readonly outbox: OutboxDispatcher;
  readonly payment: Payment;
}

const clock = new FakeClock();
const hub = memoryNetwork({ clock });
const nodes: Node[] = [];

async function node(name: string): Promise<Node> {
  const identity = testIdentity(name);
  const store = memoryStore({ clock });
  const network = hub.join({ peerId: identity.peerId, address: identity.address });
  const outbox = outboxDispatcher({}, { store, network, clock, logger: silentLogger });
  const common = {
    store,
    clock,
    newId,
    logger: silentLogger,
    signer: identity.signer,
    verifier: testVerifier,
  };
  const made: Node = {
    identity,
    store,
    network,
    outbox,
    payment: payment(
      {},
      {
        ...common,
        network,
        outbox,
        agreements: { terminate: (id, reason) => terminateAgreement(store, id, reason) },
        agreementSource: twinAgreements,
        usage: twinUsage,
        drivers: [ledger({}, { ...common, agreements: twinAgreements })],
      },
    ),
  };
  await store.start();
  await made.payment.start();
  await network.start();
  await outbox.start();
  nodes.push(made);
  return made;
}

afterEach(async () => {
  for (const { outbox, network, payment: part, store } of nodes) {
    await outbox.stop();
    await network.stop();
    await part.stop();
    await store.stop();
  }
});

it('settles over the network’s own outbox, whatever happens to each message at its first try', async () => {
  const provider = await node('provider');
  const requestor = await node('requestor');
  const faults: Fault[] = [
    { type: 'drop' },
    { type: 'drop-answer' },
    { type: 'duplicate' },
    { type: 'delay', ms: 45_000 },
    { type: 'disconnect', when: 'after' },
  ];
  const seen = new Set<string>();
  hub.fault(({ kind, body }) => {
    const key = kind + JSON.stringify(body);
    if (seen.has(key)) return undefined;
    seen.add(key);
    return faults[seen.size % faults.length];
  });

  const parties = { provider: provider.identity, requestor: requestor.identity };
  const at = clock.now();
  await requestor.payment.allocations.create({ allocationId: 'x', platform: 'ledger', total: '1000000000' });
  for (const [role, side, peer] of [
    ['requestor', requestor, provider],
    ['provider', provider, requestor],
  ] as const) {
    await addAgreement(side.store, agreementRecord('agr', parties, role, at));
    await addActivity(side.store, { activityId: 'act', agreementId: 'agr', role, peer: peer.identity, at });
  }
  await requestor.payment.allocations.assign('agr', 'x');
  await clock.advance(5_000);
  for (const { store } of nodes) await addSample(store, 'act', sampleAt(1, 5, at + 5_000));
  await clock.advance(7_000);
  for (const { store } of nodes) {
    await endActivity(store, 'act');
    await terminateAgreement(store, 'agr');
  }
  for (let minute = 0; minute < 30; minute += 1) {
    hub.connect(provider.identity.peerId, requestor.identity.peerId);
    await clock.advance(60_000);
  }

  const due = String(50 + 5 * 1000 + 2.5 * 7000);
  for (const { payment: part, store } of nodes) {
    expect((await part.debitNotes()).map(({ note, state }) => [note.final, state])).toEqual([
      [false, 'Settled'],
      [true, 'Settled'],
    ]);
    expect(await part.invoices()).toMatchObject([{ state: 'Settled', invoice: { amount: due } }]);
    expect(await part.billing('agr')).toMatchObject({ billed: due, accepted: due, settled: due });
    expect(await store.outbox.peers()).toEqual([]);
  }
});
