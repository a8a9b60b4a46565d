import { afterAll, beforeAll, describe, it } from 'vitest';
import { describeDocker, engineCall } from '../support/docker-engine.ts';
import { PrivateEngine } from '../support/private-engine.ts';
import type { Held } from './held.ts';
import { dockerKit } from './kit.ts';
import { MOMENTS } from './moments.ts';
import { allSteps, killProcess, LOST, restart, round, ROUNDS, WHOLE } from './rounds.ts';
import type { Outcome } from './verdict.ts';
import { RecoveryWorld } from './world.ts';

const ROUND_MS = 120_000;
/** Where the container dies, the command that it ran fails and so does each after it; there is no container before the package has come. */
const CONTAINER_LOST: Outcome = { type: 'command failed', reasons: ['Error', 'ERR_RUNTIME_FAILED'] };
const WITHOUT_CONTAINER = { New: WHOLE, Deploying: WHOLE };

describeDocker('on Docker', () => {
  describe.each(Array.from({ length: ROUNDS }, (_, index) => index + 1))('kill -9, round %i', (): void => {
    const engine = new PrivateEngine({ 'live-restore': true });
    let world: RecoveryWorld;
    beforeAll(async () => {
      await engine.start();
      world = await RecoveryWorld.start(dockerKit(), { engineSocket: engine.socketPath });
    }, ROUND_MS);
    afterAll(async () => {
      await world.stop();
      await engine.remove();
    }, ROUND_MS);

    const containers = async (held: readonly Held[]) => world.containersOf(held);

    it(
      'of the providers’ daemons, at every step: nothing is lost, nothing done twice',
      () => round(world, () => restart(world.providers), allSteps(WHOLE)),
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
      'of the container’s init, at every step: its commands fail, and nothing is started again',
      () =>
        round(
          world,
          async (held) => (await containers(held)).forEach(({ pid }) => killProcess(pid)),
          allSteps(CONTAINER_LOST, WITHOUT_CONTAINER),
        ),
      ROUND_MS,
    );

    it(
      'of the container by somebody else’s hand, at every step: the same',
      () =>
        round(
          world,
          async (held) => {
            for (const { id } of await containers(held)) {
              await engineCall('DELETE', `/containers/${id}?force=1`, engine.socketPath);
            }
          },
          allSteps(CONTAINER_LOST, WITHOUT_CONTAINER),
        ),
      ROUND_MS,
    );

    it(
      'of the engine that restores live, at every step: nothing is lost',
      () =>
        round(
          world,
          async () => {
            await engine.kill();
            await engine.start();
          },
          allSteps(WHOLE),
        ),
      ROUND_MS,
    );

    it.each(Object.keys(MOMENTS))('%s', (moment) => MOMENTS[moment]!(world), ROUND_MS);
  });
});
