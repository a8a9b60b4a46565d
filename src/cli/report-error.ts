import type { ErgonError } from '../interface/errors.ts';
import { isErgonError } from '../interface/errors.ts';
import { cliErrors, CliError, ProblemError } from './errors.ts';
import type { Output } from './io.ts';
import { style } from './style.ts';

/** Says on stderr what went wrong and what to do next; as one line of JSON when the output is for programs. */
export function reportError(error: unknown, stderr: Output, json: boolean): void {
  if (!isErgonError(error)) {
    // A fault of ours: the trace is what a bug report needs.
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    stderr.write(
      json ? `${JSON.stringify({ code: 'ERR_CLI_INTERNAL', message: text })}\n` : `error: ${text}\n`,
    );
    return;
  }
  const remedy = remedyOf(error);
  if (json) {
    const { code, message, detail } = error;
    stderr.write(`${JSON.stringify({ code, message, detail, ...(remedy !== undefined && { remedy }) })}\n`);
    return;
  }
  stderr.write(`${style(stderr, 'red', 'error:')} ${error.message} (${error.code})\n`);
  for (const reason of reasonsOf(error)) stderr.write(`  ${reason}\n`);
  if (remedy !== undefined) stderr.write(`${style(stderr, 'cyan', 'hint:')} ${remedy}\n`);
}

function remedyOf(error: ErgonError): string | undefined {
  if (error instanceof ProblemError) return error.remedy;
  if (error instanceof CliError) return cliErrors[error.code].remedy;
  return undefined;
}

/** Why each offer or provider did not do, where the daemon says so. */
function reasonsOf({ detail }: ErgonError): string[] {
  const listed = detail['offers'] ?? detail['providers'];
  return Array.isArray(listed) ? listed.slice(0, 10).map((entry) => JSON.stringify(entry)) : [];
}
