import { join } from 'node:path';
import { Level } from 'level';
import { Type } from 'typebox';
import type { Bucket, Store } from '../../src/interface/store.ts';
import { levelStore } from '../../src/store/index.ts';
import { checker } from '../../src/util/check.ts';
import { systemClock } from '../../src/util/clock.ts';
import { newId } from '../../src/util/id.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import type { Bench, BenchContext } from '../support/bench.ts';
import { compare, type Comparison } from '../support/compare.ts';

const RecordOfBench = Type.Object({ id: Type.String(), payload: Type.String({ maxLength: 1024 }) });
const bucket: Bucket<{ id: string; payload: string }> = {
  name: 'bench',
  check: checker(RecordOfBench, 'bench record'),
};
const PAYLOAD = 'x'.repeat(200);

export const bench: Bench = {
  name: 'store-write',
  ours: 'one transaction with a new record and an event: checked, chained, checksummed and synced',
  floor: 'one synced put of the same record into a bare Level database',
  run: async (context) => {
    const store = levelStore(
      { directory: join(context.dir, 'store'), identity: 'bench' },
      { clock: systemClock(), logger: silentLogger },
    );
    await store.start();
    context.defer(() => store.stop());
    const level = new Level(join(context.dir, 'level'));
    await level.open();
    context.defer(() => level.close());
    return [
      await comparison('one at a time', 1, { store, level }, context),
      await comparison('16 at once', 16, { store, level }, context),
    ];
  },
};

function comparison(
  name: string,
  atOnce: number,
  { store, level }: { store: Store; level: Level },
  { quick }: BenchContext,
): Promise<Comparison> {
  const operations = quick ? 64 : 320;
  return compare(
    name,
    { samples: quick ? 3 : 25, warmUp: quick ? 1 : 3, operations },
    { run: () => lanes(atOnce, operations, () => write(store)) },
    {
      run: () =>
        lanes(atOnce, operations, () => {
          const id = newId();
          return level.put(id, JSON.stringify({ id, payload: PAYLOAD }), { sync: true });
        }),
    },
  );
}

async function write(store: Store): Promise<void> {
  const id = newId();
  await store.transact(async (tx) => {
    tx.put(bucket, id, { id, payload: PAYLOAD });
    tx.emit({ type: 'bench.written', subject: id, data: { id } });
  });
}

async function lanes(count: number, operations: number, work: () => Promise<void>): Promise<void> {
  const lane = async (): Promise<void> => {
    for (let left = operations / count; left > 0; left -= 1) await work();
  };
  await Promise.all(Array.from({ length: count }, lane));
}
