/** Whether a text can be an id of this node: what cannot need not be looked up. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}
