import type { DockerSettings } from '../options.ts';
import { whyNoTunnel } from './tunnel.ts';

/** Why no network can be brought into a container; undefined when one can. It tries. */
export async function whyNoNetworks({
  engineRuntime,
  hostPaths,
  network,
}: Pick<DockerSettings, 'engineRuntime' | 'hostPaths' | 'network'>): Promise<string | undefined> {
  if (engineRuntime !== undefined)
    return `containers of ${engineRuntime} may have a network stack of their own`;
  if (Object.keys(hostPaths).length > 0)
    return 'the daemon runs in a container, and does not see the processes of others';
  if (network === 'host') return 'the option network gives containers the network of the machine';
  return whyNoTunnel();
}
