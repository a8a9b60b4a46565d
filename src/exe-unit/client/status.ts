import type { Clock } from '../../interface/clock.ts';
import type { SupervisorStatus } from '../../interface/exe-unit.ts';
import { workPaths } from '../paths.ts';
import { processStatus, readIdentity } from '../process-identity.ts';
import { request } from './connection.ts';

const PING_TIMEOUT_MS = 2000;

/** Whether the supervisor of a work directory lives: its process must be dead to be gone, and answer to be alive. */
export async function supervisorStatus(directory: string, clock: Clock): Promise<SupervisorStatus> {
  const identity = await readIdentity(workPaths(directory).supervisor);
  if (identity === undefined) return 'unknown';
  const status = await processStatus(identity);
  if (status !== 'alive') return status;
  try {
    await request(directory, { op: 'ping' }, PING_TIMEOUT_MS, clock);
    return 'alive';
  } catch {
    // It may have died while it was asked.
    return (await processStatus(identity)) === 'gone' ? 'gone' : 'unknown';
  }
}
