import os from 'node:os';
import type { RunExit } from '../../src/interface/exe-unit-runtime.ts';

/** Added to a signal's number where a program's status is to say which signal ended it. */
export const SIGNAL_STATUS = 128;
const SANDBOX_FAILED = 125;

/** The status that a shell would show for it. */
export function exitStatus(exit: RunExit): number {
  switch (exit.kind) {
    case 'exited':
      return exit.code & 0xff;
    case 'signaled':
      return (
        SIGNAL_STATUS +
        (Object.entries(os.constants.signals).find(([name]) => name === exit.signal)?.[1] ?? 0)
      );
    case 'limit':
      return SIGNAL_STATUS + os.constants.signals.SIGKILL;
    case 'failed':
      return SANDBOX_FAILED;
  }
}
