import type { ErgonError } from '../interface/errors.ts';
import { CliError, cliErrors, ProblemError } from './errors.ts';

/** What to do about an error: a daemon says it itself, all parts of this program in their catalogues. */
export async function remedyOf(error: ErgonError): Promise<string | undefined> {
  if (error instanceof ProblemError) return error.remedy;
  if (error instanceof CliError) return cliErrors[error.code].remedy;
  const catalogues = await import('../daemon/remedies.ts');
  return catalogues.remedyOf(error.code);
}
