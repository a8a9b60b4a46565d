import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MarketPair } from './market-pair.ts';

describe('programs that mean harm', () => {
  let pair: MarketPair;
  beforeAll(async () => {
    pair = await MarketPair.start({ provider: { provider: { maxOutputBytes: 1024 * 1024 } } });
  });
  afterAll(() => pair.stop());

  const neighbour = (): Promise<string> => pair.submit(['tick', '40', '50']);

  const small = { memoryBytes: 32 * 1024 * 1024, storageBytes: 1024 * 1024, wallTimeMs: 60_000 };

  it.each([
    ['allocates without end', ['alloc'], {}, 'memory'],
    ['spins', ['spin'], { cpuTimeMs: 700 }, 'cpu'],
    ['floods stdout', ['flood'], {}, 'output'],
    ['sleeps for ever', ['tick', '100000', '1000'], { wallTimeMs: 1000 }, 'time'],
  ])('one that %s is stopped; its neighbour does not notice', async (_, args, limits, limit) => {
    const calm = await neighbour();
    const id = await pair.submit(args, { limits: { ...small, ...limits } });
    const task = await pair.done(id);
    expect(task).toMatchObject({ state: 'Failed', reason: { code: 'LimitExceeded', detail: { limit } } });
    const { seller, buyer } = await pair.settledBooks(task);
    for (const books of [seller, buyer]) {
      expect(books.activity).toMatchObject({
        state: 'Terminated',
        reason: { code: 'LimitExceeded', detail: { limit } },
      });
      expect(books.notes.filter((record) => record.note.final)).toHaveLength(1);
    }
    expect((await pair.done(calm)).state).toBe('Succeeded');
    expect((await pair.log(calm)).endsWith('tick 40\nend\n')).toBe(true);
  });

  it('one that looks for a way out of its directory finds none', async () => {
    const id = await pair.submit(['escape']);
    const task = await pair.done(id);
    expect(task).toMatchObject({ state: 'Failed', result: { exitCode: 7 } });
    const log = await pair.log(id);
    expect(log).not.toContain('OPENED');
    expect(log.match(/refused/g)).toHaveLength(6);
  });
});
