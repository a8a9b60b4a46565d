/** What a program may want to know of an error beside its code: the values at fault, limits, ids. */
export type ErrorDetail = Readonly<Record<string, unknown>>;

/**
 * Base of every error that leaves a component. Match on `code`, never on the message;
 * every code stands in docs/errors.md.
 */
export class ErgonError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly detail: ErrorDetail;

  constructor(code: Code, message: string, detail: ErrorDetail = {}, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.detail = detail;
  }
}

/** True for an error of ours, optionally with one of `codes`. */
export function isErgonError(error: unknown, ...codes: string[]): error is ErgonError {
  return error instanceof ErgonError && (codes.length === 0 || codes.includes(String(error.code)));
}

/** What docs/errors.md says of each code of an area: the page is generated from these. */
export type ErrorCatalogue<Code extends string = string> = Readonly<
  Record<Code, { readonly meaning: string; readonly remedy: string }>
>;
