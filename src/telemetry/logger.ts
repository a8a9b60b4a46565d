import { pino } from 'pino';
import type { Logger } from '../interface/logger.ts';
import { textLine } from './text-line.ts';

export interface LoggerInit {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** One JSON object a line, or lines for people. */
  readonly format: 'json' | 'text';
}

export interface LoggerComponents {
  /** Takes whole lines; stderr without it. */
  readonly destination?: { write(line: string): void };
}

/** Members that are never logged, wherever a field holds them at its first two levels. */
const SECRETS = ['passphrase', 'privateKey', 'appKey', 'authorization', 'password'];

/** Logs by pino. Lines are written at once, so that a kill loses none. */
export function logger(init: LoggerInit, components: LoggerComponents = {}): Logger {
  const lines = components.destination ?? pino.destination({ dest: 2, sync: true });
  const destination =
    init.format === 'json' ? lines : { write: (line: string) => lines.write(textLine(line)) };
  return pino(
    {
      level: init.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    },
    destination,
  );
}
