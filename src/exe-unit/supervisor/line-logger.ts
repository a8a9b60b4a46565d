import type { Logger } from '../../interface/logger.ts';

/** One JSON object a line on stderr, which is `supervisor.log`. A supervisor is small: no pino in it. */
export function lineLogger(bindings: Readonly<Record<string, unknown>> = {}): Logger {
  const write = (level: string) => (fields: object, message: string) => {
    process.stderr.write(
      `${JSON.stringify({ level, time: Date.now(), ...bindings, ...fields, msg: message })}\n`,
    );
  };
  return {
    debug: () => undefined,
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (more) => lineLogger({ ...bindings, ...more }),
  };
}
