import path from 'node:path';
import type { Sandbox, SandboxPlan } from './sandbox.ts';

/** Node's permission model: no child processes, threads or add-ons, and no files but these. A seat belt, not a wall. */
export function permissionFlags({ code, moduleDir, directories }: SandboxPlan): string[] {
  const readable = [
    code.packageJson,
    tree(code.runtimeDir),
    tree(code.wasmerDir),
    tree(moduleDir),
    '/proc/self/*',
    // Where the host walks the guest's paths.
    ...directories.map(({ hostPath }) => tree(hostPath)),
  ];
  const writable = directories.filter(({ readOnly }) => !readOnly).map(({ hostPath }) => tree(hostPath));
  return [
    '--permission',
    ...readable.map((file) => `--allow-fs-read=${file}`),
    ...['/proc/self/fd/*', ...writable].map((file) => `--allow-fs-write=${file}`),
  ];
}

function tree(directory: string): string {
  return path.join(directory, '*');
}

/** A plain child process: what is left where neither namespaces nor privileges can be dropped. */
export function permissionOnly(): Sandbox {
  return {
    name: 'permission',
    weakness:
      'an ordinary process of the daemon’s user, with Node’s permission model only: install bubblewrap',
    command: (plan) => ({
      file: plan.code.node,
      args: [...plan.nodeFlags, ...permissionFlags(plan), path.join(plan.code.runtimeDir, plan.code.entry)],
      moduleDir: plan.moduleDir,
      directories: plan.directories.map(({ hostPath }) => hostPath),
    }),
  };
}
