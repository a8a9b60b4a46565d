import { afterAll, beforeAll, describe, it } from 'vitest';
import { wasiKit } from './kit.ts';
import { MOMENTS } from './moments.ts';
import { allSteps, killProcess, LOST, restart, round, ROUNDS, WHOLE } from './rounds.ts';
import { RecoveryWorld } from './world.ts';

const ROUND_MS = 90_000;

describe.each(Array.from({ length: ROUNDS }, (_, index) => index + 1))('kill -9 on WASI, round %i', () => {
  let world: RecoveryWorld;
  beforeAll(async () => {
    world = await RecoveryWorld.start(wasiKit());
  }, ROUND_MS);
  afterAll(() => world.stop(), ROUND_MS);

  it(
    'of the providers’ daemons, at every step: nothing is lost, nothing done twice',
    () => round(world, () => restart(world.providers), allSteps(WHOLE)),
    ROUND_MS,
  );

  it(
    'of the requestor’s daemon, at every step: nothing is lost, nothing done twice',
    () => round(world, () => restart([world.requestor]), allSteps(WHOLE)),
    ROUND_MS,
  );

  it(
    'of the supervisor, at every step: the activity has ended, and what was done is billed',
    () =>
      round(
        world,
        async (held) => held.forEach((one) => killProcess(world.supervisorOf(one))),
        allSteps(LOST),
      ),
    ROUND_MS,
  );

  it(
    'of the runner, at every step: only a command that it ran fails',
    () =>
      round(
        world,
        async (held) => held.forEach((one) => killProcess(world.runnerOf(one))),
        allSteps(WHOLE, {
          Suspended: { type: 'command failed', reasons: ['Signaled'] },
          Running: { type: 'command failed', reasons: ['Signaled'] },
        }),
      ),
    ROUND_MS,
  );
});

describe('kill -9 on WASI', () => {
  let world: RecoveryWorld;
  beforeAll(async () => {
    world = await RecoveryWorld.start(wasiKit(), { providers: 1 });
  }, ROUND_MS);
  afterAll(() => world.stop(), ROUND_MS);

  it.each(Object.keys(MOMENTS))('%s', (moment) => MOMENTS[moment]!(world), ROUND_MS);
});
