import { RuntimeError } from '../../errors.ts';

/** What is wrong with a package, as a sentence that goes on: `it has no code`. */
export function packageError(what: string, cause?: unknown): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_PACKAGE', `The package cannot be run: ${what}`, {}, { cause });
}
