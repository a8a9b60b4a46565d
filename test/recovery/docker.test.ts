import { afterAll, beforeAll, describe, it } from 'vitest';
import { describeDocker, engineCall } from '../support/docker-engine.ts';
import { commonRounds } from './common.ts';
import { dockerKit } from './kit.ts';
import { MOMENTS } from './moments.ts';
import { allSteps, CONTAINER_LOST, killProcess, round, ROUNDS, WHOLE } from './rounds.ts';
import { LIVE, NOT_LIVE, RecoveryWorld } from './world.ts';

const ROUND_MS = 300_000;
/** There is no container before the package has come. */
const LOST_WITH_CONTAINER = allSteps(CONTAINER_LOST, { New: WHOLE, Deploying: WHOLE });

describeDocker('on Docker', () => {
  describe.each(ROUNDS)('kill -9, round %i', (): void => {
    let world: RecoveryWorld;
    beforeAll(async () => {
      world = await RecoveryWorld.start(dockerKit());
    }, ROUND_MS);
    afterAll(() => world.stop(), ROUND_MS);

    commonRounds(() => world, ROUND_MS);

    it(
      'of the container’s init, at every step: its commands fail, and nothing is started again',
      () =>
        round(
          world,
          async (held) => (await world.containersOf(held)).forEach(({ pid }) => killProcess(pid)),
          LOST_WITH_CONTAINER,
        ),
      ROUND_MS,
    );

    it(
      'of the container by somebody else’s hand, at every step: the same',
      () =>
        round(
          world,
          async (held) => {
            for (const { id } of await world.containersOf(held)) {
              await engineCall('DELETE', `/containers/${id}?force=1`, world.engine.socketPath);
            }
          },
          LOST_WITH_CONTAINER,
        ),
      ROUND_MS,
    );

    it(
      'of the engine that restores live, at every step: nothing is lost',
      () => round(world, () => world.restartEngine(LIVE), allSteps(WHOLE)),
      ROUND_MS,
    );

    it(
      'of the engine that does not, at every step: its next start ends the containers, as above',
      () => round(world, () => world.restartEngine(NOT_LIVE), LOST_WITH_CONTAINER),
      ROUND_MS,
    );

    it.each(Object.keys(MOMENTS))('%s', (moment) => MOMENTS[moment]!(world), ROUND_MS);
  });
});
