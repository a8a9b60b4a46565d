import type { DockerSettings } from '../options.ts';
import { whyNoTunnel } from './tunnel.ts';

/** Engines' runtimes whose containers use the kernel's own network stack; others may look at their devices only once. */
const KERNEL_RUNTIMES = ['runc', 'crun', 'youki', 'io.containerd.runc.v2'];

/** Why no network can be brought into a container of this runtime of the engine; undefined when one can. It tries. */
export async function whyNoNetworks(
  runtime: string,
  { hostPaths }: Pick<DockerSettings, 'hostPaths'>,
): Promise<string | undefined> {
  if (!KERNEL_RUNTIMES.includes(runtime))
    return `containers of ${runtime} may have a network stack of their own`;
  if (Object.keys(hostPaths).length > 0)
    return 'the daemon runs in a container, and does not see the processes of others';
  return whyNoTunnel();
}
