import { it } from 'vitest';
import { allSteps, killProcess, LOST, restart, round, WHOLE } from './rounds.ts';
import { Machine } from '../support/machine.ts';
import type { RecoveryWorld } from './world.ts';

/** What may die in either runtime: one round each. */
export function commonRounds(theWorld: () => RecoveryWorld, timeoutMs: number): void {
  it(
    'of the providers’ daemons, at every step: nothing is lost, nothing done twice',
    () => round(theWorld(), () => restart(theWorld().providers), allSteps(WHOLE)),
    timeoutMs,
  );

  it(
    'of the requestor’s daemon, at every step: nothing is lost, nothing done twice',
    () => round(theWorld(), () => restart([theWorld().requestor]), allSteps(WHOLE)),
    timeoutMs,
  );

  it(
    'of the supervisor, at every step: the activity has ended, and what was done is billed',
    () =>
      round(
        theWorld(),
        async (held) => held.forEach((one) => killProcess(theWorld().supervisorOf(one))),
        allSteps(LOST),
      ),
    timeoutMs,
  );

  it.skipIf(!Machine.isPossible && process.env['CI'] === undefined)(
    'of everything at once, as the power fails: the same, and what the boot before has left is gone',
    () => round(theWorld(), () => theWorld().powerFailure(), allSteps(LOST)),
    timeoutMs,
  );
}
