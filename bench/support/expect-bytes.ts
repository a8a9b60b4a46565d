/** A side that loses some has no time to be compared. */
export function expectBytes(found: number, expected: number): void {
  if (found !== expected) throw new Error(`${found} bytes arrived instead of ${expected}`);
}
