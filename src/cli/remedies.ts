import type { ErgonError, ErrorCatalogue } from '../interface/errors.ts';
import { CliError, cliErrors, ProblemError } from './errors.ts';

/** Catalogues of the parts that the CLI uses without a daemon, loaded when one of their errors has to be explained. */
const OFFLINE: Readonly<Record<string, () => Promise<ErrorCatalogue>>> = {
  ERR_CONFIG: async () => (await import('../config/index.ts')).configErrors,
  ERR_IDENTITY: async () => (await import('../identity/index.ts')).identityErrors,
  ERR_RUNTIME: async () => (await import('../../runtimes/errors.ts')).runtimeErrors,
  ERR_STORE: async () => (await import('../store/index.ts')).storeErrors,
};

/** What to do about an error: the daemon says it itself, the parts in their catalogues. */
export async function remedyOf(error: ErgonError): Promise<string | undefined> {
  if (error instanceof ProblemError) return error.remedy;
  if (error instanceof CliError) return cliErrors[error.code].remedy;
  const area = error.code.split('_').slice(0, 2).join('_');
  return (await OFFLINE[area]?.())?.[error.code]?.remedy;
}
