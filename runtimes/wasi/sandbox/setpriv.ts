import { hostNames, nodeCommand } from './plain.ts';
import { required, type FindProgram } from './programs.ts';
import type { Sandbox } from './sandbox.ts';

/** util-linux alone: namespaces and no privileges, but the machine's own file tree is in sight. */
export function setpriv(find: FindProgram, uid: number): Sandbox {
  return {
    name: 'setpriv',
    weakness: 'the machine’s files are in sight of the sandbox: install bubblewrap',
    command: (plan) => {
      const setprivPath = required(find, 'setpriv');
      return {
        file: setprivPath,
        args: [
          ...[
            '--pdeathsig',
            'KILL',
            required(find, 'unshare'),
            ...(uid === 0 ? [] : ['--user', '--map-root-user']),
          ],
          ...['--mount', '--net', '--ipc', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
          ...[setprivPath, '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--'],
          ...nodeCommand(plan),
        ],
      };
    },
    names: hostNames,
  };
}
