import { afterAll, beforeAll, describe, it } from 'vitest';
import { commonRounds } from './common.ts';
import { wasiKit } from './kit.ts';
import { MOMENTS } from './moments.ts';
import { allSteps, killProcess, round, ROUNDS, SIGNALED, WHOLE } from './rounds.ts';
import { RecoveryWorld } from './world.ts';

const ROUND_MS = 300_000;

describe.each(ROUNDS)('kill -9 on WASI, round %i', () => {
  let world: RecoveryWorld;
  beforeAll(async () => {
    world = await RecoveryWorld.start(wasiKit());
  }, ROUND_MS);
  afterAll(() => world.stop(), ROUND_MS);

  commonRounds(() => world, ROUND_MS);

  it(
    'of the runner, at every step: only a command that it ran fails',
    () =>
      round(
        world,
        async (held) => held.forEach((one) => killProcess(world.runnerOf(one))),
        allSteps(WHOLE, { Suspended: SIGNALED, Running: SIGNALED }),
      ),
    ROUND_MS,
  );

  it.each(Object.keys(MOMENTS))('%s', (moment) => MOMENTS[moment]!(world), ROUND_MS);
});
