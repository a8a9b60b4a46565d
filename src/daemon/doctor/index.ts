import type { Config } from '../../config/index.ts';
import { systemClock } from '../../util/clock.ts';
import { errorMessage } from '../../util/error-message.ts';
import { fail, type Check } from './check.ts';
import {
  clockCheck,
  cpuCheck,
  dataDirectoryCheck,
  diskCheck,
  identityCheck,
  memoryCheck,
  openFilesCheck,
} from './machine-checks.ts';
import { daemonCheck, portChecks } from './port-checks.ts';
import { listRuntimes, presetChecks, runtimeChecks, type RuntimeView } from './runtimes.ts';

export type { Check } from './check.ts';
export { listRuntimes, testRuntimes, type RuntimeTest, type RuntimeView } from './runtimes.ts';

/** What `ergon doctor` has found. */
export interface Diagnosis {
  /** True when no check failed; warnings do not count. */
  readonly healthy: boolean;
  readonly checks: readonly Check[];
  readonly runtimes: readonly RuntimeView[];
}

/** What this machine can do for a node with this configuration, and what not. Changes nothing. */
export async function diagnose(config: Config): Promise<Diagnosis> {
  const runtimes = await listRuntimes(config);
  const daemon = await daemonCheck(config);
  const checks = [
    ...(await all([
      ['data directory', () => dataDirectoryCheck(config)],
      ['identity', () => identityCheck(config)],
      ['disk', () => diskCheck(config)],
      ['memory', () => memoryCheck(config)],
      ['cpu', async () => cpuCheck(config)],
      ['clock', () => clockCheck(systemClock().now())],
      ['open files', () => openFilesCheck()],
    ])),
    daemon.check,
    ...(await portChecks(config, daemon.isRunning)),
    ...runtimeChecks(runtimes, config),
    ...presetChecks(runtimes, config),
  ];
  return { healthy: checks.every(({ status }) => status !== 'fail'), checks, runtimes };
}

/** A check that cannot be made is one that fails, and no reason to leave out the others. */
function all(checks: readonly (readonly [string, () => Promise<Check>])[]): Promise<Check[]> {
  return Promise.all(
    checks.map(([name, check]) =>
      check().catch((error: unknown) => fail(name, errorMessage(error), 'Mend what the message names.')),
    ),
  );
}
