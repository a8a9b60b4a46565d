import type { LocalNode } from '../../scripts/local-node.ts';
import { hasCode } from '../../src/util/error-code.ts';
import { Held, STEPS, type Step } from './held.ts';
import { assertClean, assertNoShims } from './sweep.ts';
import { judge, type Outcome } from './verdict.ts';
import type { RecoveryWorld } from './world.ts';

/** How often the whole suite goes round: more often by night, RECOVERY_ROUNDS. */
export const ROUNDS = Array.from(
  { length: Number(process.env['RECOVERY_ROUNDS'] ?? 1) },
  (_, index) => index + 1,
);

/**
 * One activity at each step at the same time, and then the kill: each of them must come to its outcome, whatever
 * becomes of the others.
 */
export async function round(
  world: RecoveryWorld,
  kill: (held: readonly Held[]) => Promise<void>,
  outcomes: Readonly<Record<Step, Outcome>>,
): Promise<void> {
  const held = await heldAtEachStep(world);
  await kill(held);
  await Promise.all(held.map((one) => one.finish()));
  for (const one of held) await judge(world, one, outcomes[one.step]);
  await assertClean(world, held);
  await assertNoShims(world);
}

export async function heldAtEachStep(world: RecoveryWorld): Promise<Held[]> {
  const held = await Promise.all(STEPS.map((step) => Held.create(world, step)));
  // The one whose program runs comes last: it must not be over before the kill.
  await Promise.all(held.filter(({ step }) => step !== 'Running').map((one) => one.reach()));
  await held.find(({ step }) => step === 'Running')?.reach();
  return held;
}

export function allSteps(
  outcome: Outcome,
  others: Partial<Record<Step, Outcome>> = {},
): Record<Step, Outcome> {
  const entries = STEPS.map((step): [Step, Outcome] => [step, others[step] ?? outcome]);
  return Object.fromEntries(entries) as Record<Step, Outcome>;
}

export const WHOLE: Outcome = { type: 'whole' };
export const LOST: Outcome = { type: 'ended', state: 'Terminated', reason: 'SupervisorLost' };

export const ENDED_WELL: Outcome = { type: 'ended', state: 'Completed' };
export const SIGNALED: Outcome = { type: 'command failed', reasons: ['Signaled'] };
/** An engine that is killed as it starts a container does not know of it afterwards. */
export const START_LOST: Outcome = { type: 'command failed', reasons: ['ERR_RUNTIME_FAILED'] };
/** Where the container dies, the command that it ran fails and so does each after it. */
export const CONTAINER_LOST: Outcome = { type: 'command failed', reasons: ['Error', 'ERR_RUNTIME_FAILED'] };

export async function restart(nodes: readonly LocalNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()));
  await Promise.all(nodes.map((node) => node.launch()));
}

export function killProcess(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has just ended by itself.
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
