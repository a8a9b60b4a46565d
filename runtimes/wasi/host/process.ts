import { ERRNO, fail } from './errno.ts';
import { GuestExit, GuestRaise } from './exit.ts';
import type { Host } from './host.ts';
import type { Calls } from './signatures.ts';

type ProcessCalls = Pick<Calls, 'proc_exit' | 'proc_raise'>;
type SocketCalls = Pick<Calls, 'sock_accept' | 'sock_recv' | 'sock_send' | 'sock_shutdown'>;

/** preview1's signals by number. */
const SIGNALS = [
  undefined,
  ...[
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGILL',
    'SIGTRAP',
    'SIGABRT',
    'SIGBUS',
    'SIGFPE',
    'SIGKILL',
    'SIGUSR1',
  ],
  ...[
    'SIGSEGV',
    'SIGUSR2',
    'SIGPIPE',
    'SIGALRM',
    'SIGTERM',
    'SIGCHLD',
    'SIGCONT',
    'SIGSTOP',
    'SIGTSTP',
    'SIGTTIN',
  ],
  ...[
    'SIGTTOU',
    'SIGURG',
    'SIGXCPU',
    'SIGXFSZ',
    'SIGVTALRM',
    'SIGPROF',
    'SIGWINCH',
    'SIGPOLL',
    'SIGPWR',
    'SIGSYS',
  ],
];

/** `proc_exit` and `proc_raise`: they end the guest by throwing what it ends with. */
export function processCalls(): ProcessCalls {
  return {
    proc_exit: (code) => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- unwinds the guest; not a failure
      throw new GuestExit(code);
    },
    proc_raise: (number) => {
      if (number === 0) return;
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- unwinds the guest; not a failure
      throw new GuestRaise(SIGNALS[number] ?? fail(ERRNO.INVAL));
    },
  };
}

/** The guest has no network: nothing that it can name is a socket. */
export function socketCalls({ descriptors }: Host): SocketCalls {
  // A directory is no descriptor to these calls, as with Wasmtime; a file is one of the wrong kind.
  const notSocket = (fd: number): never =>
    fail(descriptors.get(fd).kind === 'directory' ? ERRNO.BADF : ERRNO.NOTSOCK);
  return { sock_accept: notSocket, sock_recv: notSocket, sock_send: notSocket, sock_shutdown: notSocket };
}
