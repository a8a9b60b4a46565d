import { isErgonError } from '../interface/errors.ts';
import { ProblemError } from './errors.ts';

/** What the exit status of a command says; docs/cli.md has the same table. */
export const EXIT_STATUS = {
  ok: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  notAllowed: 4,
  notFound: 5,
  refused: 6,
  unavailable: 7,
  config: 8,
  notValid: 9,
  taskFailed: 10,
  interrupted: 130,
} as const;

/** The one place that maps an error code to an exit status. */
const BY_CODE: Readonly<Record<string, number>> = {
  ERR_CLI_ARGUMENT: EXIT_STATUS.usage,
  ERR_CLI_DAEMON_NOT_RUNNING: EXIT_STATUS.notRunning,
  ERR_CLI_NO_APP_KEY: EXIT_STATUS.notAllowed,
  ERR_CLI_TASK_FAILED: EXIT_STATUS.taskFailed,
  ERR_CLI_NOT_VALID: EXIT_STATUS.notValid,
  ERR_CLI_INTERRUPTED: EXIT_STATUS.interrupted,
  ERR_CONFIG_INVALID: EXIT_STATUS.config,
  ERR_CONFIG_FILE: EXIT_STATUS.config,
  ERR_EXE_UNIT_RUNTIME_UNKNOWN: EXIT_STATUS.notFound,
  ERR_RUNTIME_PACKAGE: EXIT_STATUS.refused,
  ERR_RUNTIME_PROGRAM: EXIT_STATUS.refused,
  ERR_RUNTIME_UNAVAILABLE: EXIT_STATUS.unavailable,
  ERR_RUNTIME_ENGINE_UNREACHABLE: EXIT_STATUS.unavailable,
  ERR_STORE_LOCKED: EXIT_STATUS.refused,
  ERR_STORE_TARGET_EXISTS: EXIT_STATUS.refused,
  ERR_STORE_DAMAGED: EXIT_STATUS.notValid,
  ERR_STORE_MISSING: EXIT_STATUS.notValid,
  ERR_STORE_STALE: EXIT_STATUS.notValid,
  ERR_STORE_IDENTITY: EXIT_STATUS.notValid,
  ERR_STORE_BACKUP: EXIT_STATUS.notValid,
};

/** The daemon's own codes go by the status that it answered with. */
const BY_HTTP_STATUS: Readonly<Record<number, number>> = {
  400: EXIT_STATUS.usage,
  401: EXIT_STATUS.notAllowed,
  403: EXIT_STATUS.notAllowed,
  404: EXIT_STATUS.notFound,
  409: EXIT_STATUS.refused,
  410: EXIT_STATUS.notFound,
  413: EXIT_STATUS.refused,
  416: EXIT_STATUS.usage,
  422: EXIT_STATUS.refused,
  429: EXIT_STATUS.unavailable,
  502: EXIT_STATUS.unavailable,
  503: EXIT_STATUS.unavailable,
  504: EXIT_STATUS.unavailable,
  507: EXIT_STATUS.unavailable,
};

/** By the code of an error of ours, else by the HTTP status of the daemon's answer, else `failed`. */
export function exitStatusOf(error: unknown): number {
  if (!isErgonError(error)) return EXIT_STATUS.failed;
  const status = BY_CODE[error.code];
  if (status !== undefined) return status;
  return (error instanceof ProblemError ? BY_HTTP_STATUS[error.status] : undefined) ?? EXIT_STATUS.failed;
}

/** A guest's exit code as this process's own: what does not fit into eight bits is still no success. */
export function guestExitStatus(exitCode: number): number {
  return exitCode >= 0 && exitCode <= 255 ? exitCode : 255;
}
