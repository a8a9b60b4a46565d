import { engineCall } from '../support/docker-engine.ts';
import type { Dice } from './dice.ts';
import type { Held } from './held.ts';
import { Part, pause } from './parts.ts';
import {
  CONTAINER_LOST,
  ENDED_WELL,
  heldAtEachStep,
  killProcess,
  LOST,
  SIGNALED,
  START_LOST,
  WHOLE,
} from './rounds.ts';
import { assertClean } from './sweep.ts';
import { judgeAny, type Outcome } from './verdict.ts';
import { LIVE, NOT_LIVE, type RecoveryWorld } from './world.ts';

const MAX_BLOWS = 4;
const BLOW_WITHIN_MS = 2_500;
const FINISH_WITHIN_MS = 4_000;
const DOWN_AT_MOST_MS = 1_500;

interface Victim {
  readonly name: string;
  /** What may become, besides nothing, of those that it hits: one activity, or all. */
  readonly harm: readonly Outcome[];
  readonly hits?: Held;
  strike(downMs: number): Promise<void>;
}

interface Blow {
  readonly afterMs: number;
  readonly downMs: number;
  readonly victims: readonly Victim[];
}

/** Kills whatever the dice say, at moments that they say, also while it recovers from the blow before. */
export async function stormRound(world: RecoveryWorld, dice: Dice): Promise<void> {
  const held = await heldAtEachStep(world);
  const parts = partsOf(world);
  const blows = drawBlows(victimsOf(world, held, parts), dice);
  const finishes = held.map((one) => ({ one, afterMs: dice.below(FINISH_WITHIN_MS) }));
  try {
    const all = await Promise.allSettled([
      storm(blows, parts),
      ...finishes.map(({ one, afterMs }) => pause(afterMs).then(() => one.finish())),
    ]);
    for (const one of all) if (one.status === 'rejected') throw one.reason;
    for (const one of held) await judgeAny(world, one, outcomesOf(one, blows));
    await assertClean(world, held);
  } catch (cause) {
    throw new Error(`after ${blows.map(describeBlow).join(', then ')}`, { cause });
  }
}

async function storm(blows: readonly Blow[], parts: Parts): Promise<void> {
  for (const { afterMs, downMs, victims } of blows) {
    await pause(afterMs);
    await Promise.all(victims.map((victim) => victim.strike(downMs)));
  }
  await Promise.all([...parts.providers, parts.requestor, ...parts.engine].map((part) => part.settled()));
}

function drawBlows(victims: readonly Victim[], dice: Dice): Blow[] {
  return Array.from({ length: 1 + dice.below(MAX_BLOWS) }, () => ({
    afterMs: dice.below(BLOW_WITHIN_MS),
    downMs: dice.below(DOWN_AT_MOST_MS),
    // Now and then two at once.
    victims: [...new Set(Array.from({ length: dice.below(3) === 0 ? 2 : 1 }, () => dice.one(victims)))],
  }));
}

function outcomesOf(held: Held, blows: readonly Blow[]): Outcome[] {
  const hits = blows.flatMap(({ victims }) => victims).filter(({ hits = held }) => hits === held);
  return [WHOLE, ...new Set(hits.flatMap(({ harm }) => harm))];
}

const describeBlow = ({ victims, afterMs, downMs }: Blow): string =>
  `${victims.map(({ name }) => name).join(' and ')} (after ${afterMs} ms, for ${downMs} ms)`;

interface Parts {
  readonly providers: readonly Part[];
  readonly requestor: Part;
  /** None on WASI. */
  readonly engine: readonly Part[];
}

function partsOf(world: RecoveryWorld): Parts {
  const daemon = (node: RecoveryWorld['requestor']): Part =>
    new Part({ isUp: () => node.isUp, kill: () => node.kill(), start: () => node.launch() });
  const engines = world.kit.runtime === 'docker' ? [world.engine] : [];
  return {
    providers: world.providers.map(daemon),
    requestor: daemon(world.requestor),
    engine: engines.map(
      (engine) =>
        new Part({ isUp: () => engine.isUp, kill: () => engine.kill(), start: () => engine.start() }),
    ),
  };
}

function victimsOf(world: RecoveryWorld, held: readonly Held[], parts: Parts): Victim[] {
  const { providers, requestor, engine } = parts;
  return [
    ...providers.map((part, index) => daemon(`provider ${index + 1}`, part)),
    daemon('the requestor', requestor),
    ...held.map((one): Victim => ({
      name: `the supervisor at ${one.step}`,
      harm: [LOST, ENDED_WELL],
      hits: one,
      strike: async () => killProcess(world.supervisorOf(one)),
    })),
    ...(world.kit.runtime === 'wasi'
      ? held.map((one): Victim => runner(world, one))
      : held.map((one): Victim => container(world, one))),
    ...engine.flatMap((part) => [restoring(world, part, true), restoring(world, part, false)]),
    ...(world.machine === undefined ? [] : [power(world, parts)]),
  ];
}

const daemon = (name: string, part: Part): Victim => ({
  name,
  harm: [],
  strike: (downMs) => part.strike(downMs),
});

const runner = (world: RecoveryWorld, one: Held): Victim => ({
  name: `the runner at ${one.step}`,
  harm: [SIGNALED],
  hits: one,
  strike: async () => killProcess(world.runnerOf(one)),
});

const container = (world: RecoveryWorld, one: Held): Victim => ({
  name: `the container at ${one.step}`,
  harm: [CONTAINER_LOST],
  hits: one,
  async strike() {
    // An engine that is down just now has nothing removed.
    const found = await world.containersOf([one]).catch(() => []);
    for (const { id } of found) {
      const path = `/containers/${id}?force=1`;
      await engineCall('DELETE', path, world.engine.socketPath).catch(() => undefined);
    }
  },
});

const restoring = (world: RecoveryWorld, part: Part, isLive: boolean): Victim => ({
  name: isLive ? 'the engine, restoring live' : 'the engine',
  harm: isLive ? [START_LOST] : [CONTAINER_LOST],
  async strike(downMs) {
    await world.engine.kill();
    world.engine.configure(isLive ? LIVE : NOT_LIVE);
    part.startLater(downMs);
  },
});

const power = (world: RecoveryWorld, { providers, engine }: Parts): Victim => ({
  name: 'the power',
  harm: [LOST, ENDED_WELL],
  async strike(downMs) {
    await world.powerOff();
    await world.machine?.boot();
    // In whatever order they come up.
    for (const [index, part] of [...engine, ...providers].entries()) {
      part.startLater((downMs * (index + 1)) % DOWN_AT_MOST_MS);
    }
  },
});
