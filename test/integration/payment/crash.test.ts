import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delivery, PaymentNode } from '../../support/payment-node.ts';
import { PaymentPair } from '../../support/payment-pair.ts';

type Step =
  | { readonly do: 'create' | 'use' | 'end'; readonly activity: number }
  | { readonly do: 'terminate' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'deliver'; readonly from: 'provider' | 'requestor'; readonly how: Delivery }
  | { readonly do: 'late'; readonly from: 'provider' | 'requestor'; readonly pick: number }
  | { readonly do: 'crash'; readonly node: 'provider' | 'requestor' };

const side = fc.constantFrom('provider' as const, 'requestor' as const);
const activity = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('create' as const, 'use' as const, 'end' as const), activity }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 12_000 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      from: side,
      how: fc.constantFrom<Delivery>('whole', 'whole', 'request-lost', 'answer-lost', 'twice'),
    }),
  },
  fc.record({ do: fc.constant('late' as const), from: side, pick: fc.nat({ max: 1000 }) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), node: side }) },
  fc.record({ do: fc.constant('terminate' as const) }),
);

/** Plays one step; what makes no sense now is left out. */
class Play {
  readonly pair: PaymentPair;
  readonly #seconds = new Map<string, number>();
  readonly #sequences = new Map<string, number>();
  readonly #ended = new Set<string>();
  #terminated = false;

  constructor(pair: PaymentPair) {
    this.pair = pair;
    const { provider } = pair;
    const terminateBoth = provider.onTerminate;
    provider.onTerminate = async (id) => {
      this.#terminated = true;
      await terminateBoth(id);
    };
  }

  get activities(): string[] {
    return [...this.#sequences.keys()];
  }

  async step(step: Step): Promise<void> {
    const { pair } = this;
    switch (step.do) {
      case 'wait':
        return pair.clock.advance(step.ms);
      case 'crash':
        return pair[step.node].reboot();
      case 'terminate':
        this.#terminated = true;
        return pair.terminate();
      case 'deliver': {
        const to: PaymentNode = step.from === 'provider' ? pair.requestor : pair.provider;
        await pair[step.from].deliver(to, step.how);
        return undefined;
      }
      case 'late':
        return this.#late(step.from, step.pick);
      default:
        return this.#activity(step.do, `act${step.activity}`);
    }
  }

  /** Delivers an old message once more, out of its order. */
  async #late(from: 'provider' | 'requestor', pick: number): Promise<void> {
    const sender = this.pair[from];
    const to = from === 'provider' ? this.pair.requestor : this.pair.provider;
    const old = sender.sent[pick % Math.max(1, sender.sent.length)];
    if (old !== undefined) await to.receive(old.kind, old.body, sender.sender);
  }

  async #activity(what: 'create' | 'use' | 'end', id: string): Promise<void> {
    const sequence = this.#sequences.get(id);
    if (what === 'create') {
      if (sequence !== undefined || this.#terminated) return;
      this.#sequences.set(id, 0);
      return this.pair.create(id);
    }
    if (sequence === undefined || this.#ended.has(id)) return;
    if (what === 'use') {
      await this.pair.clock.advance(2_000);
      const seconds = (this.#seconds.get(id) ?? 0) + 2;
      this.#seconds.set(id, seconds);
      this.#sequences.set(id, sequence + 1);
      return this.pair.use(id, sequence + 1, seconds, sequence % 3 !== 1);
    }
    this.#ended.add(id);
    return this.pair.end(id);
  }

  async finish(): Promise<void> {
    for (const id of this.activities) await this.#activity('end', id);
    await this.pair.terminate();
    await this.pair.quiesce();
  }

  due(): bigint {
    return this.activities.reduce((sum, id) => sum + 50n + BigInt(this.#seconds.get(id) ?? 0) * 4500n, 0n);
  }
}

async function mustBeWhole(play: Play): Promise<void> {
  const { provider, requestor } = play.pair;
  const due = play.due().toString();
  for (const node of [provider, requestor]) {
    const notes = await node.payment.debitNotes();
    const finals = notes.filter(({ note }) => note.final).map(({ note }) => note.activityId);
    expect(finals.sort()).toEqual(play.activities.sort());
    const invoices = await node.payment.invoices();
    expect(invoices).toMatchObject([{ state: 'Settled', invoice: { amount: due } }]);
    expect(notes.map(({ state }) => state).filter((state) => state !== 'Settled')).toEqual([]);
    const payments = await node.payment.payments();
    expect(payments.map(({ value }) => value.payment.amount)).toEqual(due === '0' ? [] : [due]);
    expect(await node.payment.billing('agr')).toMatchObject({ billed: due, accepted: due, settled: due });
    if (due !== '0')
      expect(await node.payment.balances()).toMatchObject([{ billed: due, accepted: due, settled: due }]);
    expect(await node.store.outbox.peers()).toEqual([]);
  }
  const sameNotes = async (node: PaymentNode): Promise<unknown> =>
    (await node.payment.debitNotes()).map(({ note, decision }) => [note, decision]);
  expect(await sameNotes(requestor)).toEqual(await sameNotes(provider));
  const allocation = await requestor.payment.allocations.get('alloc');
  expect(allocation?.spent).toBe(due);
}

describe('crashes, losses, repeats and late arrivals at any point', () => {
  it('end with one final note for each activity, one invoice, one payment, and equal books', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const pair = await new PaymentPair({ budget: '1000000000000' }).start();
        const play = new Play(pair);
        try {
          for (const each of [{ do: 'create', activity: 0 } as const, ...steps]) await play.step(each);
          await play.finish();
          await mustBeWhole(play);
        } finally {
          await pair.stop();
        }
      }),
      { numRuns: 60 },
    );
  });
});
