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

/**
 * Runs the daemon until SIGINT or SIGTERM. Resolves once it has stopped in order; a second signal ends it at once.
 * `onReady` is called when the API listens.
 */
export async function runDaemon(
  config: Config,
  onReady: (node: { address: string; url: string }) => void = () => undefined,
): Promise<void> {
  const log = logger(config.log);
  const clock = systemClock();
  const { wallet } = await openIdentity(config, secrets().passphrase, { logger: log });
  const components = { clock, logger: log, metrics: metrics({ process: true }), wallet, pid: process.pid };
  const node = await ergonNode(config, components);
  const asked = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
  await node.start();
  log.info({ address: node.address, url: node.url(), dataDir: config.dataDir }, 'the node is up');
  onReady({ address: node.address, url: node.url() });
  const signal = await asked;
  log.info({ signal }, 'stopping');
  for (const again of ['SIGINT', 'SIGTERM'] as const) process.once(again, () => process.exit(130));
  await node.stop();
  log.info({}, 'stopped');
}
