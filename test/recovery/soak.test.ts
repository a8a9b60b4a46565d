import { afterAll, describe, it } from 'vitest';
import { describeDocker } from '../support/docker-engine.ts';
import { Dice } from './dice.ts';
import { dockerKit, wasiKit, type Kit } from './kit.ts';
import { ROUNDS } from './rounds.ts';
import { stormRound } from './storm.ts';
import { RecoveryWorld } from './world.ts';

const ROUND_MS = 600_000;
/** RECOVERY_SEED: what it kills, and when, is another with each. */
const SEED = process.env['RECOVERY_SEED'] ?? 'ergon';

function soak(kit: () => Kit): void {
  let world: RecoveryWorld | undefined;
  afterAll(() => world?.stop(), ROUND_MS);

  // Not again when it fails: another round is no repetition of it.
  it.each(ROUNDS)(
    'kills at random what it likes: round %i',
    { timeout: ROUND_MS, retry: 0 },
    async (round) => {
      world ??= await RecoveryWorld.start(kit());
      try {
        await stormRound(world, new Dice(`${SEED}-${kit().runtime}-${round}`));
      } catch (error) {
        await world.stop();
        world = undefined;
        throw error;
      }
    },
  );
}

describe('a storm on WASI', () => soak(wasiKit));
describeDocker('a storm on Docker', () => soak(dockerKit));
