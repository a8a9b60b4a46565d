import { ErgonError, type ErrorCatalogue, type ErrorDetail } from '../interface/errors.ts';

export type CliErrorCode =
  | 'ERR_CLI_ARGUMENT'
  | 'ERR_CLI_DAEMON_NOT_RUNNING'
  | 'ERR_CLI_NO_APP_KEY'
  | 'ERR_CLI_ANSWER'
  | 'ERR_CLI_FILE'
  | 'ERR_CLI_TASK_FAILED'
  | 'ERR_CLI_NOT_VALID'
  | 'ERR_CLI_INTERRUPTED'
  | 'ERR_CLI_INTERNAL';

/** A command cannot do what it was asked to, for a reason of its own; the daemon's are `ProblemError`s. */
export class CliError extends ErgonError<CliErrorCode> {}

export const cliErrors: ErrorCatalogue<CliErrorCode> = {
  ERR_CLI_ARGUMENT: {
    meaning: 'An argument or option of the command line cannot be used.',
    remedy: 'See the examples of the command with `--help`.',
  },
  ERR_CLI_DAEMON_NOT_RUNNING: {
    meaning: 'No daemon answers where the command looked for one.',
    remedy: 'Start it with `ergon daemon`, or name another one with `--data-dir` or `--url`.',
  },
  ERR_CLI_NO_APP_KEY: {
    meaning: 'A daemon answers, but there is no app-key to come with.',
    remedy:
      'Use the data directory of the daemon (`--data-dir`), `--app-key`, or ERGON_APP_KEY. `ergon app-key create` makes keys.',
  },
  ERR_CLI_ANSWER: {
    meaning: 'What answers is no Ergon daemon, or one of another version.',
    remedy: 'Check the URL, and that `ergon --version` and `ergon status` name the same version.',
  },
  ERR_CLI_FILE: {
    meaning: 'A file of this machine cannot be read or written.',
    remedy: 'Check path, permissions and free space.',
  },
  ERR_CLI_TASK_FAILED: {
    meaning: 'The task ended without success, and its program has no exit code to pass on.',
    remedy: '`ergon task show` has the reason of each attempt.',
  },
  ERR_CLI_NOT_VALID: {
    meaning: 'What was checked does not hold: a signature, a digest, or the books.',
    remedy:
      'Do not rely on it; the output names each check that failed. `ergon store restore` brings a backup back.',
  },
  ERR_CLI_INTERRUPTED: {
    meaning: 'Ctrl-C.',
    remedy: 'What the daemon was asked for goes on; see `ergon task list`.',
  },
  ERR_CLI_INTERNAL: {
    meaning: 'A fault of the command itself; the message holds the trace.',
    remedy: 'Report it with the trace and what you had typed.',
  },
};

/** A problem document that a daemon answered with. */
export class ProblemError extends ErgonError {
  readonly status: number;
  readonly remedy: string | undefined;

  constructor(
    problem: { code: string; status: number; detail: string; remedy?: string },
    detail: ErrorDetail,
  ) {
    super(problem.code, problem.detail, detail);
    this.status = problem.status;
    this.remedy = problem.remedy;
  }
}
