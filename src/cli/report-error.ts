import { isErgonError, type ErgonError } from '../interface/errors.ts';
import { safe } from './format.ts';
import type { Output } from './io.ts';
import { remedyOf } from './remedies.ts';
import { style } from './style.ts';

/** Says on stderr what went wrong and what to do next; as one line of JSON when the output is for programs. */
export async function reportError(error: unknown, stderr: Output, json: boolean): Promise<void> {
  if (!isErgonError(error)) {
    // A fault of ours: the trace is what a bug report needs.
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    stderr.write(
      json ? `${JSON.stringify({ code: 'ERR_CLI_INTERNAL', message: text })}\n` : `error: ${text}\n`,
    );
    return;
  }
  const remedy = await remedyOf(error);
  if (json) {
    const { code, message, detail } = error;
    stderr.write(`${toJson({ code, message, detail, ...(remedy !== undefined && { remedy }) })}\n`);
    return;
  }
  stderr.write(`${style(stderr, 'red', 'error:')} ${lines(error.message)} (${error.code})\n`);
  for (const reason of reasonsOf(error)) stderr.write(`  ${safe(reason)}\n`);
  if (remedy !== undefined) stderr.write(`${style(stderr, 'cyan', 'hint:')} ${remedy}\n`);
}

/** Why each offer or provider did not do, where the daemon says so. */
function reasonsOf({ detail }: ErgonError): string[] {
  const listed = detail['offers'] ?? detail['providers'];
  return Array.isArray(listed) ? listed.slice(0, 10).map(toJson) : [];
}

/** The words may be a stranger's. */
function lines(text: string): string {
  return text.split('\n').map(safe).join('\n');
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'bigint' ? String(member) : member,
  );
}
