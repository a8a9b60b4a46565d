import type { ApiComponents } from '../api/index.ts';
import type { RuntimeRegistry } from '../exe-unit/index.ts';

/** Asks the runtimes of this machine in turn, also on a node that sells none of them. */
export function localPackages(runtimes: RuntimeRegistry): ApiComponents['localPackages'] {
  return {
    async find(name) {
      for (const { name: runtimeName } of runtimes.descriptors) {
        const runtime = await runtimes.load(runtimeName).catch(() => undefined);
        const found = await runtime?.packageOf?.(name);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}
