import { isErgonError } from '../interface/errors.ts';
import type { Reason } from '../interface/values.ts';
import type { RunExit } from '../interface/exe-unit-runtime.ts';
import { errorMessage } from '../util/error-message.ts';

/** Bounds of the Reason schema. */
const MESSAGE_CHARS = 2048;

type Detail = NonNullable<Reason['detail']>;

/** A reason whose message is cut to a length that fits everywhere. */
export function reason(code: string, message: string, detail?: Detail): Reason {
  const text = message.slice(0, MESSAGE_CHARS);
  return detail === undefined ? { code, message: text } : { code, message: text, detail };
}

/** An error as a command's reason: our own errors keep their code. */
export function reasonOfError(error: unknown): Reason {
  const message = errorMessage(error);
  return reason(isErgonError(error) ? error.code : 'Error', message);
}

export type Limit = 'cpu' | 'memory' | 'disk' | 'files' | 'pids' | 'time' | 'output' | 'fuel';

const WORDS: Readonly<Record<Limit, (observed: number, value: number) => string>> = {
  cpu: (observed, value) => `${observed} ms of CPU time were used, ${value} ms are allowed`,
  time: (observed, value) => `${observed} ms have passed, ${value} ms are allowed`,
  output: (observed, value) => `${observed} bytes were written to one stream, ${value} are kept`,
  memory: (observed, value) => `${observed} bytes of memory were wanted, ${value} are allowed`,
  disk: (observed, value) => `${observed} bytes of storage were wanted, ${value} are allowed`,
  files: (observed, value) => `${observed} files, directories and links are there, ${value} are allowed`,
  fuel: (observed, value) => `${observed} units of fuel were used, ${value} are allowed`,
  pids: (observed, value) => `${observed} processes were wanted, ${value} are allowed`,
};

/**
 * `LimitExceeded` with the figures: milliseconds for cpu and time, bytes for memory, disk and output, units for fuel,
 * a number of things for files and pids.
 */
export function limitExceeded(limit: Limit, limitValue: number, observed: number): Reason {
  return reason('LimitExceeded', WORDS[limit](observed, limitValue), { limit, limitValue, observed });
}

/** Why a run failed, when it did. */
export function reasonOfExit(exit: RunExit): Reason | undefined {
  switch (exit.kind) {
    case 'exited':
      if (exit.code === 0) return undefined;
      return reason('ExitCode', `ExeScript command exited with code ${exit.code}`, { exitCode: exit.code });
    case 'signaled':
      return reason('Signaled', `ExeScript command was ended by ${exit.signal}`, { signal: exit.signal });
    case 'limit':
      return limitExceeded(exit.limit, exit.limitValue, exit.observed);
    case 'failed':
      return reason('Error', exit.message);
  }
}
