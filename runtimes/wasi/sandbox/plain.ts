import path from 'node:path';
import type { FindProgram } from './programs.ts';
import type { InsideNames, Sandbox, SandboxPlan, SandboxView } from './sandbox.ts';

/**
 * Node's permission model: no child processes, no threads, no add-ons, no inspector. All files, though: a guest's
 * symbolic links need it (Node refuses to make any otherwise), and they go by descriptors, which it cannot tell apart.
 */
const PERMISSION_FLAGS = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*'];

/** A plain child process: what is left where neither namespaces nor privileges can be dropped. */
export function permissionOnly(find: FindProgram): Sandbox {
  const setpriv = find('setpriv');
  // Without it a runner may outlive its supervisor, until the reaper finds it.
  const tied = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--no-new-privs', '--'];
  return {
    name: 'permission',
    weakness: 'an ordinary process of the daemon’s user that may start no other: install bubblewrap',
    command: (plan) => {
      const [file = '', ...args] = [...tied, ...nodeCommand(plan)];
      return { file, args };
    },
    names: hostNames,
  };
}

/** Node on the runner, confined by itself alone. */
export function nodeCommand({ code, nodeFlags }: SandboxPlan): string[] {
  return [code.node, ...nodeFlags, ...PERMISSION_FLAGS, path.join(code.runtimeDir, code.entry)];
}

/** Where nothing is mounted, names are the host's. */
export function hostNames({ moduleDir, directories }: SandboxView): InsideNames {
  return { moduleDir, directories: directories.map(({ hostPath }) => hostPath) };
}
