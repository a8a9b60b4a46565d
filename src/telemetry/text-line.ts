/** A pino line for people: time, level, component, message, then the fields as `name=value`. */
export function textLine(json: string): string {
  const { time, level, component, msg, err, ...fields } = parse(json);
  const words = [String(time).slice(11, 23), String(level).toUpperCase().padEnd(5)];
  if (component !== undefined) words.push(`[${plain(component)}]`);
  words.push(plain(msg ?? ''));
  for (const [name, value] of Object.entries(fields)) words.push(`${name}=${plain(value)}`);
  return `${words.join(' ')}${err === undefined ? '' : errorText(err)}\n`;
}

function parse(json: string): Record<string, unknown> {
  const value: unknown = JSON.parse(json);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** On one line and without control characters: what a stranger sent must not move the cursor or forge lines. */
function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, ' ');
}

function errorText(err: unknown): string {
  if (typeof err !== 'object' || err === null) return ` err=${plain(err)}`;
  const { message, code, stack }: { message?: unknown; code?: unknown; stack?: unknown } = err;
  const head = ` err=${code === undefined ? '' : `${plain(code)}: `}${plain(message ?? '')}`;
  if (typeof stack !== 'string') return head;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return head + frames.map((frame) => `\n    ${plain(frame.trim())}`).join('');
}
