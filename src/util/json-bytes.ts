/** How many bytes a value takes as JSON in UTF-8. */
export function jsonBytes(value: string | object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
