declare global {
  // Of ES2026; TypeScript's library does not have it yet.
  interface JSON {
    /** @see https://github.com/tc39/proposal-json-parse-with-source */
    rawJSON(text: string): object;
  }
}

/** `3` as JSON writes it to readers that tell integers from floats: `3.0`. For `JSON.stringify` only. */
export function wholeFloat(value: number): object {
  return JSON.rawJSON(value.toFixed(1));
}
