import { expect, it } from 'vitest';
import { Committer } from '../../../src/store/committer.ts';
import { runConsumer } from '../../../src/store/consumer.ts';
import { EMPTY_COMMIT } from '../../../src/store/entries.ts';
import { scanEvents } from '../../../src/store/event-log.ts';
import { memoryKv } from '../../../src/store/kv/memory.ts';
import { OpenTransaction } from '../../../src/store/transaction.ts';
import { WakeUp } from '../../../src/store/wake-up.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function setUp() {
  const kv = memoryKv();
  const clock = new FakeClock();
  const wakeUp = new WakeUp();
  const committer = new Committer(EMPTY_COMMIT, {
    kv,
    clock,
    logger: silentLogger,
    witness: () => undefined,
    onCommit: () => wakeUp.wake(),
  });
  const transact = async <R>(work: (tx: OpenTransaction) => Promise<R>): Promise<R> => {
    const tx = new OpenTransaction(kv);
    const result = await work(tx);
    await committer.commit(await tx.draft(0));
    return result;
  };
  const last = (): number => committer.last.events;
  const scanned: number[] = [];
  const scan = (types: readonly string[], after: number) => {
    scanned.push(after);
    return scanEvents(kv, { types }, after, last());
  };
  return {
    components: { clock, logger: silentLogger, wakeUp, last, scan, transact },
    transact,
    clock,
    scanned,
  };
}

it('does not handle an event again whose commit landed although its answer was lost', async () => {
  const { components, transact, clock } = setUp();
  await transact(async (tx) => tx.emit({ type: 'a.happened', subject: 's', data: null }));
  let lost = false;
  const forgetful = async <R>(work: (tx: OpenTransaction) => Promise<R>): Promise<R> => {
    const result = await transact(work);
    if (handled > 0 && !lost) {
      lost = true;
      throw new Error('the answer was lost');
    }
    return result;
  };
  let handled = 0;
  const abort = new AbortController();
  const handle = async (): Promise<void> => {
    handled += 1;
  };
  const init = { name: 'reader', types: ['a.happened'], handle };
  const running = runConsumer(init, { ...components, transact: forgetful }, abort.signal);
  await clock.advance(60_000);
  abort.abort();
  await running;
  expect([lost, handled]).toEqual([true, 1]);
});

it('notes how far it has looked, so that a restart need not look at all that was of no interest again', async () => {
  const { components, transact, clock, scanned } = setUp();
  await transact(async (tx) => {
    for (let n = 0; n < 3_000; n += 1) tx.emit({ type: 'a.boring', subject: 's', data: null });
  });
  const init = { name: 'reader', types: ['a.happened'], handle: () => Promise.resolve() };
  for (let run = 0; run < 2; run += 1) {
    const abort = new AbortController();
    const running = runConsumer(init, components, abort.signal);
    await clock.settle();
    await clock.settle();
    abort.abort();
    await running;
    if (run === 0) scanned.length = 0;
  }
  expect(scanned[0]).toBeGreaterThanOrEqual(2_000);
});
