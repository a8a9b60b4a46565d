import path from 'node:path';
import { sharedObjects, topLevelLinks } from './libraries.ts';
import { required, type FindProgram } from './programs.ts';
import { SECCOMP_FD, type Sandbox, type SandboxPlan } from './sandbox.ts';
import { seccompFilter } from './seccomp.ts';

/** nobody, as far as the inside is concerned; outside it stays the user of the daemon, without capabilities. */
const SANDBOX_ID = '65534';
const CODE_DIR = '/ergon';
const MODULE_DIR = '/module';
const volumeDir = (index: number): string => `/volumes/${index}`;

/**
 * Bubblewrap: all namespaces unshared, no capabilities, no network, and a root with nothing in it but node, its
 * libraries, the runner, the module and the guest's directories.
 */
export function bubblewrap(find: FindProgram, architecture: string): Sandbox {
  const seccomp = seccompFilter(architecture);
  return {
    name: 'bubblewrap',
    ...(seccomp === undefined ? { weakness: `no system-call filter for ${architecture}` } : {}),
    command: (plan) => {
      const entry = path.join(CODE_DIR, codePath(plan), plan.code.entry);
      const node = `${CODE_DIR}/node`;
      const filter = seccomp === undefined ? [] : ['--seccomp', String(SECCOMP_FD)];
      return {
        file: required(find, 'bwrap'),
        ...(seccomp === undefined ? {} : { seccomp }),
        args: [...confinement(), ...filter, ...mounts(plan, node), '--', node, ...plan.nodeFlags, entry],
      };
    },
    // Mounts stay, whatever becomes of the names that they were made by.
    names: (view) => ({ moduleDir: MODULE_DIR, directories: view.directories.map((_, i) => volumeDir(i)) }),
  };
}

function confinement(): string[] {
  return [
    '--unshare-all',
    ...['--uid', SANDBOX_ID, '--gid', SANDBOX_ID, '--hostname', 'wasi'],
    ...['--cap-drop', 'ALL', '--new-session', '--die-with-parent', '--clearenv'],
  ];
}

function mounts(plan: SandboxPlan, node: string): string[] {
  const { code } = plan;
  return [
    ...topLevelLinks().flatMap(({ target, link }) => ['--symlink', target, link]),
    ...sharedObjects().flatMap(({ hostPath, insidePath }) => ['--ro-bind', hostPath, insidePath]),
    ...['--ro-bind', code.node, node],
    ...['--ro-bind', code.packageJson, `${CODE_DIR}/package.json`],
    ...['--ro-bind', code.runtimeDir, path.join(CODE_DIR, codePath(plan))],
    ...['--ro-bind', code.wasmerDir, `${CODE_DIR}/node_modules/@wasmer/wasi`],
    ...['--ro-bind', plan.moduleDir, MODULE_DIR],
    ...plan.directories.flatMap(({ hostPath, readOnly }, i) => [
      readOnly ? '--ro-bind' : '--bind',
      hostPath,
      volumeDir(i),
    ]),
    // Root outside, capabilities or not, owns the files in there that set the machine's own kernel.
    ...['--proc', '/proc', '--remount-ro', '/proc', '--remount-ro', '/', '--chdir', '/'],
  ];
}

/** Below the package's root, so that imports resolve inside as they do outside. */
function codePath({ code }: SandboxPlan): string {
  return path.relative(path.dirname(code.packageJson), code.runtimeDir);
}
