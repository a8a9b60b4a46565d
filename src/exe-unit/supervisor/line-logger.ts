import { writeSync } from 'node:fs';
import type { Logger } from '../../interface/logger.ts';

const STDERR = 2;

/** One JSON object a line on stderr, which is `supervisor.log`. A supervisor is small: no pino in it. */
export function lineLogger(bindings: Readonly<Record<string, unknown>> = {}): Logger {
  const write = (level: string) => (fields: object, message: string) => {
    const line = `${JSON.stringify({ level, time: Date.now(), ...bindings, ...fields, msg: message })}\n`;
    try {
      writeSync(STDERR, line);
    } catch {
      // On a full disk there is no log; saying so would fail the same way, and must not be a failure of its own.
    }
  };
  return {
    debug: () => undefined,
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (more) => lineLogger({ ...bindings, ...more }),
  };
}
