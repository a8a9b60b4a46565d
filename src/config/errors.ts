import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type ConfigErrorCode = 'ERR_CONFIG_INVALID' | 'ERR_CONFIG_FILE';

/** One setting that cannot be used, and where it was set. */
export interface ConfigProblem {
  /** `api.port` */
  readonly path: string;
  /** `flag --api-port`, `environment ERGON_API_PORT`, `file /etc/ergon.json` or `default`. */
  readonly source: string;
  readonly message: string;
}

export class ConfigError extends ErgonError<ConfigErrorCode> {}

export const configErrors: ErrorCatalogue<ConfigErrorCode> = {
  ERR_CONFIG_INVALID: {
    meaning:
      'One or more settings are unknown or cannot be used; all of them are named, with where each was set.',
    remedy: 'Correct the named settings; docs/configuration.md lists all settings.',
  },
  ERR_CONFIG_FILE: {
    meaning: 'The configuration file cannot be read, or is not JSON.',
    remedy:
      'Correct the file or its path; config/ergon.default.json has all defaults. A command that only asks a running daemon needs no file when `--data-dir` says where that keeps its own.',
  },
};

/** ERR_CONFIG_INVALID, with all that is wrong. */
export function invalid(problems: readonly ConfigProblem[]): ConfigError {
  const lines = problems.map(({ path, source, message }) => `  ${path} (${source}): ${message}`);
  return new ConfigError(
    'ERR_CONFIG_INVALID',
    `The configuration has ${problems.length} problem(s):\n${lines.join('\n')}`,
    {
      problems,
    },
  );
}
