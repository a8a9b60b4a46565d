/** The part of pino that components use: fields first, then a short constant message. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: Readonly<Record<string, unknown>>): Logger;
}
