import { MessageChannel } from 'node:worker_threads';
import type { Clock } from '../../../src/interface/clock.ts';
import { delay } from '../../../src/util/delay.ts';
import { killProcess } from '../../shared/kill-process.ts';
import type { Cgroup } from './cgroup.ts';

const POLL_MS = 5;
const PATIENCE_MS = 10_000;

/** The kernel tells nobody when a group is empty or frozen, so it is asked again, for a while. */
export async function until(done: () => boolean, clock: Clock): Promise<boolean> {
  // The clock's timers keep no process alive; a program that only waits for this would end in the middle of it.
  const { port1 } = new MessageChannel();
  port1.ref();
  try {
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
      if (done()) return true;
      await delay(clock, POLL_MS);
    }
    return done();
  } finally {
    port1.close();
  }
}

/** Kills all that is in a group, and removes it. False when something in it does not die. */
export async function endGroup(group: Cgroup, clock: Clock): Promise<boolean> {
  return until(() => {
    killGroup(group);
    return group.remove();
  }, clock);
}

/** Sends SIGKILL to all that is in a group, once; see `endGroup`. */
export function killGroup(group: Cgroup): void {
  for (const pid of group.processes()) killProcess(pid);
  // The frozen die only when they are thawed.
  group.freeze(false);
}
