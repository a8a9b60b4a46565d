import { secrets, type Config } from '../config/index.ts';
import { logger, metrics } from '../telemetry/index.ts';
import { systemClock } from '../util/clock.ts';
import { ergonNode } from './node.ts';
import { openIdentity } from './open-identity.ts';

export { VERSION } from './version.ts';

/** Makes the node's identity, or finds it; idempotent. */
export async function initNode(
  config: Config,
): Promise<{ address: string; created: boolean; dataDir: string }> {
  const log = logger({ level: 'warn', format: 'text' });
  const { wallet, created } = await openIdentity(config, secrets().passphrase, { logger: log });
  return { address: wallet.address, created, dataDir: config.dataDir };
}

/** Calls back whoever runs a daemon: what it tells, and what it asks for. */
export interface DaemonHooks {
  /** Called once the API listens. */
  readonly onReady?: (node: { address: string; url: string }) => void;
  /** Reads the configuration anew, from where it came from; SIGHUP asks for it. */
  readonly readConfig?: () => Promise<Config>;
}

/**
 * Runs the daemon until SIGINT or SIGTERM. Resolves once it has stopped in order; a second signal ends it at once.
 * SIGHUP makes it read its configuration again.
 */
export async function runDaemon(
  config: Config,
  { onReady = () => undefined, readConfig = () => Promise.resolve(config) }: DaemonHooks = {},
): Promise<void> {
  const log = logger(config.log);
  const clock = systemClock();
  const { wallet } = await openIdentity(config, secrets().passphrase, { logger: log });
  const node = await ergonNode(config, {
    clock,
    logger: log,
    metrics: metrics({ process: true }),
    wallet,
    pid: process.pid,
    readConfig,
  });
  const asked = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
  await node.start();
  process.on('SIGHUP', () => {
    node.reload().catch((error: unknown) => {
      log.error({ err: error }, 'the configuration was not taken over; what held before goes on');
    });
  });
  log.info({ address: node.address, url: node.url(), dataDir: config.dataDir }, 'the node is up');
  onReady({ address: node.address, url: node.url() });
  const signal = await asked;
  log.info({ signal }, 'stopping');
  for (const again of ['SIGINT', 'SIGTERM'] as const) process.once(again, () => process.exit(130));
  await node.stop();
  log.info({}, 'stopped');
}
