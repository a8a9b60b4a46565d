import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ErgonError } from '../../../src/interface/errors.ts';
import type { Network, RequestHandler } from '../../../src/interface/network.ts';
import type { OutboxReply } from '../../../src/interface/outbox.ts';
import type { Bucket, JsonValue, OutboxMessage, Store } from '../../../src/interface/store.ts';
import {
  memoryNetwork,
  NetworkError,
  outboxDispatcher,
  type MemoryHub,
  type OutboxDispatcher,
} from '../../../src/network/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { testIdentity } from '../../support/identities.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

const PROTOCOL = '/ergon/test/1';
const replies: Bucket<{ reply: JsonValue }> = {
  name: 'reply',
  check: (value) => value as { reply: JsonValue },
};

let clock: FakeClock;
let hub: MemoryHub;
let store: Store;
let sender: Network;
let receiver: Network;
let dispatcher: OutboxDispatcher;
/** What the receiver handled, in order. */
let handled: JsonValue[];
let answer: (body: JsonValue) => Promise<JsonValue>;
/** What the sender recorded, in order. */
let recorded: [string, OutboxReply][];

beforeEach(async () => {
  clock = new FakeClock();
  hub = memoryNetwork({ clock });
  store = memoryStore({ clock });
  handled = [];
  recorded = [];
  answer = async (body) => ({ echo: body });
  sender = hub.join(testIdentity('sender'));
  receiver = joinReceiver();
  await Promise.all([store.start(), sender.start()]);
  dispatcher = makeDispatcher();
});

afterEach(async () => {
  await dispatcher.stop();
  await Promise.all([sender.stop(), receiver.stop()]);
});

function joinReceiver(): Network {
  const node = hub.join(testIdentity('receiver'));
  const work: RequestHandler<JsonValue> = {
    check: (body) => body as JsonValue,
    handle: async (body) => {
      handled.push(body);
      return answer(body);
    },
  };
  node.handle({ id: PROTOCOL, requests: { work: work as unknown as RequestHandler<never> } });
  return node;
}

function makeDispatcher(): OutboxDispatcher {
  const made = outboxDispatcher(
    { firstBackoffMs: 1000, maxBackoffMs: 60_000, requestTimeoutMs: 5000 },
    { store, network: sender, clock, logger: silentLogger, random: () => 1 },
  );
  made.onReply(PROTOCOL, 'work', async (tx, message, reply) => {
    tx.put(replies, message.id, { reply: structuredClone(reply) });
    recorded.push([message.id, reply]);
  });
  return made;
}

const message = (id: string, more: Partial<OutboxMessage> = {}): OutboxMessage => ({
  id,
  peerId: receiver.peerId,
  protocol: PROTOCOL,
  kind: 'work',
  body: id,
  expiresAt: clock.now() + 3_600_000,
  ...more,
});

const send = (...messages: OutboxMessage[]): Promise<void> =>
  store.transact(async (tx) => messages.forEach((each) => tx.send(each)));

const waiting = (): Promise<string[]> => store.outbox.peers();

describe('the outbox dispatcher', () => {
  test('delivers in order, and records each answer as it takes the message out', async () => {
    await receiver.start();
    await dispatcher.start();
    await send(message('a'), message('b'), message('c'));
    await clock.settle();
    expect(handled).toEqual(['a', 'b', 'c']);
    expect(recorded).toEqual(['a', 'b', 'c'].map((id) => [id, { ok: { echo: id } }]));
    expect(await store.get(replies, 'b')).toEqual({ reply: { ok: { echo: 'b' } } });
    expect(await waiting()).toEqual([]);
  });

  test('delivers what an earlier run left', async () => {
    await receiver.start();
    await send(message('left'));
    await dispatcher.start();
    await clock.settle();
    expect(recorded).toEqual([['left', { ok: { echo: 'left' } }]]);
  });

  test('tries again with growing pauses while the peer is away, and at once when it is back', async () => {
    await dispatcher.start();
    await send(message('a'), message('b'));
    await clock.settle();
    const pauses: (number | undefined)[] = [];
    for (let round = 0; round < 8; round += 1) {
      pauses.push(clock.nextTimerMs);
      await clock.advance(clock.nextTimerMs ?? 0);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    await receiver.start();
    await clock.settle();
    expect(handled).toEqual(['a', 'b']);
    expect(await waiting()).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('one peer that is away holds up nobody else', async () => {
    await receiver.start();
    await dispatcher.start();
    await send(message('lost', { peerId: testIdentity('nobody').peerId }), message('a'));
    await clock.settle();
    expect(handled).toEqual(['a']);
    expect(await waiting()).toEqual([testIdentity('nobody').peerId]);
  });

  test('an answer that is lost brings the same request again, and one record', async () => {
    await receiver.start();
    await dispatcher.start();
    let lost = 0;
    hub.fault(() => (lost++ === 0 ? { type: 'drop-answer' } : undefined));
    await send(message('a'));
    await clock.settle();
    await clock.advance(5000);
    await clock.advance(1000);
    expect(handled).toEqual(['a', 'a']);
    expect(recorded).toEqual([['a', { ok: { echo: 'a' } }]]);
  });

  test("a peer's refusal is an answer; its failure is not", async () => {
    class RefusedError extends ErgonError<'ERR_TEST_REFUSED'> {}
    let attempts = 0;
    answer = async (body) => {
      if (body === 'refused') throw new RefusedError('ERR_TEST_REFUSED', 'no', { why: 'because' });
      attempts += 1;
      if (attempts === 1) throw new TypeError('bug');
      if (attempts === 2) throw new NetworkError('ERR_NETWORK_BUSY', 'later');
      return 'done';
    };
    await receiver.start();
    await dispatcher.start();
    await send(message('refused'), message('failing'));
    await clock.settle();
    expect(recorded).toEqual([
      ['refused', { error: { code: 'ERR_TEST_REFUSED', message: 'no', detail: { why: 'because' } } }],
    ]);
    await clock.advance(1000);
    await clock.advance(2000);
    expect(recorded[1]).toEqual(['failing', { ok: 'done' }]);
  });

  test('a message that no attempt can deliver is answered with why', async () => {
    await receiver.start();
    await dispatcher.start();
    await send(message('huge', { body: 'x'.repeat(2_000_000) }), message('next'));
    await clock.settle();
    expect(recorded).toMatchObject([
      ['huge', { error: { code: 'ERR_NETWORK_TOO_LARGE' } }],
      ['next', { ok: {} }],
    ]);
  });

  test('a message that expires is given up at that time, told of, and recorded', async () => {
    await dispatcher.start();
    await send(message('short', { expiresAt: clock.now() + 1500 }), message('long'));
    await clock.settle();
    await clock.advance(1499);
    expect(recorded).toEqual([]);
    await clock.advance(1);
    expect(recorded).toMatchObject([['short', { error: { code: 'ERR_NETWORK_EXPIRED' } }]]);
    expect(await store.events.query({ types: ['outbox.expired'] })).toMatchObject([
      { subject: 'short', data: { peerId: receiver.peerId, protocol: PROTOCOL, kind: 'work' } },
    ]);
    await receiver.start();
    await clock.settle();
    expect(handled).toEqual(['long']);
  });

  test('a record that fails leaves the message where it was, and it is sent again', async () => {
    await receiver.start();
    const failing = outboxDispatcher(
      {},
      { store, network: sender, clock, logger: silentLogger, random: () => 1 },
    );
    let failures = 0;
    failing.onReply(PROTOCOL, 'work', async (tx, { id }, reply) => {
      tx.put(replies, id, { reply: structuredClone(reply) });
      if (failures++ === 0) throw new Error('cannot record');
    });
    await failing.start();
    await send(message('a'));
    await clock.settle();
    expect(await waiting()).toEqual([receiver.peerId]);
    expect(await store.get(replies, 'a')).toBeUndefined();
    await clock.advance(1000);
    expect(await waiting()).toEqual([]);
    expect(handled).toEqual(['a', 'a']);
    await failing.stop();
  });

  test('a stop in the middle leaves the message for the next run', async () => {
    const hold = Promise.withResolvers<JsonValue>();
    answer = () => hold.promise;
    await receiver.start();
    await dispatcher.start();
    await send(message('a'));
    await clock.settle();
    await dispatcher.stop();
    await dispatcher.stop();
    expect(await waiting()).toEqual([receiver.peerId]);
    hold.resolve('late');
    await clock.settle();
    expect(recorded).toEqual([]);
    dispatcher = makeDispatcher();
    await dispatcher.start();
    await clock.settle();
    expect(recorded).toEqual([['a', { ok: 'late' }]]);
  });

  test('two handlers for one kind, or one that comes too late, are refused', async () => {
    expect(() => dispatcher.onReply(PROTOCOL, 'work', async () => undefined)).toThrow(NetworkError);
    await dispatcher.start();
    expect(() => dispatcher.onReply(PROTOCOL, 'other', async () => undefined)).toThrow(NetworkError);
  });
});
