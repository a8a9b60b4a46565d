import path from 'node:path';
import type { Sandbox } from './sandbox.ts';

/**
 * Node's permission model: no child processes, no threads, no add-ons, no inspector. All files, though: a guest's
 * symbolic links need it (Node refuses to make any otherwise), and they go by descriptors, which it cannot tell apart.
 */
const PERMISSION_FLAGS = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*'];

/** A plain child process: what is left where neither namespaces nor privileges can be dropped. */
export function permissionOnly(): Sandbox {
  return {
    name: 'permission',
    weakness: 'an ordinary process of the daemon’s user that may start no other: install bubblewrap',
    command: (plan) => ({
      file: plan.code.node,
      args: [...plan.nodeFlags, ...PERMISSION_FLAGS, path.join(plan.code.runtimeDir, plan.code.entry)],
      moduleDir: plan.moduleDir,
      directories: plan.directories.map(({ hostPath }) => hostPath),
    }),
  };
}
