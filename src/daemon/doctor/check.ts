/** One thing that a node stands on: `warn` when it works with less than it could, `fail` when it does not work. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found. */
  readonly message: string;
  /** What would mend it. */
  readonly remedy?: string;
}

export const ok = (name: string, message: string): Check => ({ name, status: 'ok', message });
/** Without a remedy when the message names it. */
export const warn = (name: string, message: string, remedy?: string): Check => ({
  name,
  status: 'warn',
  message,
  ...(remedy !== undefined && { remedy }),
});
export const fail = (name: string, message: string, remedy: string): Check => ({
  name,
  status: 'fail',
  message,
  remedy,
});

const GIB = 1024 ** 3;
export const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
