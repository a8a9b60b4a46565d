import { time } from './format.ts';

/** A service runs thousands of commands, and goes to and fro as often. */
const SHOWN_FIRST = 8;
const SHOWN_LAST = 16;

/** A record's states as fields of a text, each with its time; of a long history how it began, and the newest. */
export function historyFields(history: readonly { state: string; at: number }[] = []): [string, string][] {
  const lines = history.map(({ state, at }) => `${time(at)} ${state}`);
  const left = lines.length - SHOWN_FIRST - SHOWN_LAST;
  if (left > 0) lines.splice(SHOWN_FIRST, left, `… ${left} more (--json shows them)`);
  return lines.map((line, index) => [index === 0 ? 'history' : '', line]);
}
