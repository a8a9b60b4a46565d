import { describe, expect, test } from 'vitest';
import { SerialQueue } from '../../../src/util/serial-queue.ts';

describe('a serial queue', () => {
  test('does one piece of work after the other, in order', async () => {
    const queue = new SerialQueue();
    const first = Promise.withResolvers<string>();
    const seen: string[] = [];
    const one = queue.run(async () => {
      seen.push('one begins');
      seen.push(await first.promise);
    });
    const two = queue.run(async () => {
      seen.push('two');
      return 2;
    });
    first.resolve('one ends');
    expect(await two).toBe(2);
    await one;
    expect(seen).toEqual(['one begins', 'one ends', 'two']);
  });

  test('tells only the caller of a failure, and goes on', async () => {
    const queue = new SerialQueue();
    const failing = queue.run(() => Promise.reject(new Error('no')));
    const next = queue.run(async () => 'done');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('done');
  });

  test('is idle when all that has come is done', async () => {
    const queue = new SerialQueue();
    let isDone = false;
    void queue.run(async () => {
      await Promise.resolve();
      isDone = true;
    });
    await queue.idle();
    expect(isDone).toBe(true);
  });
});
