/** A value as JSON, cut to about `maxChars`: for messages and logs that quote what a stranger sent. */
export function shorten(value: unknown, maxChars = 80): string {
  if (value === undefined) return 'nothing';
  const text = textOf(value, maxChars);
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`;
}

function textOf(value: unknown, maxChars: number): string {
  // Cut before serialising: a message must not cost the sender's megabytes.
  if (typeof value === 'string') return JSON.stringify(value.slice(0, maxChars));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function' || typeof value === 'symbol') return typeof value;
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    return `object with ${
      Object.keys(value)
        .slice(0, 8)
        .map((key) => shorten(key, 24))
        .join(', ') || 'no members'
    }`;
  }
  return String(value);
}
