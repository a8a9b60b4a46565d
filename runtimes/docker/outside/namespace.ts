/** Engines' runtimes whose containers use the kernel's own network stack; others may look at their devices only once. */
const KERNEL_RUNTIMES = ['runc', 'crun', 'youki', 'io.containerd.runc.v2'];

/** Why this process cannot change the networks of a container of this runtime; undefined when it can. */
export function whyOutOfReach(
  runtime: string,
  hostPaths: Readonly<Record<string, string>>,
): string | undefined {
  if (!KERNEL_RUNTIMES.includes(runtime))
    return `containers of ${runtime} may have a network stack of their own`;
  if (Object.keys(hostPaths).length > 0)
    return 'the daemon runs in a container, and does not see the processes of others';
  return process.getuid?.() === 0 ? undefined : 'the daemon is not root';
}
