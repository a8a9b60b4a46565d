import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GolemMarket, ORDER } from './golem-market.ts';

describe('golem-js, unmodified, rents of our daemons', () => {
  let market: GolemMarket;
  beforeAll(async () => {
    market = await GolemMarket.start();
  });
  afterAll(() => market.stop());

  it('rents one provider, runs programs, and pays', async () => {
    const glm = await market.connect();
    const rental = await glm.oneOf({ order: ORDER });
    const exe = await rental.getExeUnit();
    const result = await exe.run('workload', ['env', 'GREETING'], { env: { GREETING: 'hello there' } });
    expect(result).toMatchObject({ result: 'Ok', stdout: 'hello there\n', isBatchFinished: true });
    await rental.stopAndFinalize();
    await glm.disconnect();
    expect(market.logger.lines).toEqual([]);
  });
});
