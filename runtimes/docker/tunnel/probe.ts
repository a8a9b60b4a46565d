import type { DockerSettings } from '../options.ts';
import { whyOutOfReach } from '../outside/namespace.ts';
import { whyNoTunnel } from './tunnel.ts';

/** Why no network can be brought into a container of this runtime of the engine; undefined when one can. It tries. */
export async function whyNoNetworks(
  runtime: string,
  { hostPaths }: Pick<DockerSettings, 'hostPaths'>,
): Promise<string | undefined> {
  return whyOutOfReach(runtime, hostPaths) ?? whyNoTunnel();
}
