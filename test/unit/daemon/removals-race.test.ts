import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packageBucket } from '../../../src/api/package-bucket.ts';
import { isFinalTaskState, type Store } from '../../../src/interface/index.ts';
import { taskBucket } from '../../../src/task/index.ts';
import { inputsOf } from '../../../src/task/bucket.ts';
import { spec } from '../task/world.ts';
import { RemovalsWorld } from './removals-world.ts';

const RUNS = Number(process.env['ERGON_TEST_RACES'] ?? 40);
const TEXTS = ['a', 'b', 'c'];

const blob = fc.nat({ max: TEXTS.length - 1 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('submit' as const), package: blob, input: blob }),
  fc.record({ kind: fc.constantFrom('package' as const, 'blob' as const, 'upload' as const), of: blob }),
  fc.record({ kind: fc.constant('task' as const), of: fc.constantFrom('one', 'two') }),
);
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The books, each answer of which comes after as many turns of the event loop as the test has thought of. */
function slow(store: Store, turns: readonly number[]): Store {
  let calls = 0;
  const after = async <T>(work: () => Promise<T>): Promise<T> => {
    const count = turns[(calls += 1) % turns.length] ?? 0;
    for (let left = count; left > 0; left -= 1) await turn();
    const result = await work();
    for (let left = count; left > 0; left -= 1) await turn();
    return result;
  };
  return Object.assign(Object.create(store) as Store, {
    get: ((bucket, id) => after(() => store.get(bucket, id))) satisfies Store['get'],
    list: ((bucket, options) => after(() => store.list(bucket, options))) satisfies Store['list'],
    transact: ((work) => after(() => store.transact(work))) satisfies Store['transact'],
  });
}

it('no removal takes what a task needs that is being submitted, nor what a package or a result is', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 2, maxLength: 8 }),
    fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 12 }),
    async (steps, turns) => {
      const world = await RemovalsWorld.start();
      const [a, b, c] = [await world.package('a'), await world.package('b'), await world.blob('c')];
      const hashes = [a, b, c];
      await world.task('one', { package: a, inputs: [c], outputs: [b] });
      await world.task('two', { package: b, inputs: [c], outputs: [c] });
      const store = slow(world.store, turns);
      const removals = world.removals({ store });
      const tasks = world.tasks(store);
      const take = async (one: (typeof steps)[number], number: number): Promise<unknown> => {
        for (let left = turns[number % turns.length] ?? 0; left > 0; left -= 1) await turn();
        if (one.kind === 'submit') {
          const inputs = [{ blob: hashes[one.input] ?? '', path: '/in' }];
          return tasks.submit(`new-${number}`, spec({ package: hashes[one.package] ?? '', inputs }));
        }
        if (one.kind === 'task') return removals.task(one.of);
        if (one.kind === 'upload') return world.blob(TEXTS[one.of] ?? '');
        return removals[one.kind](hashes[one.of] ?? '');
      };
      await Promise.allSettled(steps.map(take));
      const wanted = (await world.store.list(packageBucket)).map(({ id }) => id);
      for (const { value } of await world.store.list(taskBucket))
        wanted.push(
          ...(isFinalTaskState(value.state)
            ? (value.result?.outputs.map((output) => output.blob) ?? [])
            : inputsOf(value.spec)),
        );
      for (const hash of wanted) expect(await world.isHere(hash), hash).toBe(true);
      await tasks.stop();
      await world.stop();
    },
  );
  await fc.assert(property, { numRuns: RUNS });
});
