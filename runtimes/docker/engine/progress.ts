import { RuntimeError } from '../../errors.ts';
import { checkProgress } from './schemas.ts';

const LINE_CHARS = 65_536;

/**
 * Reads the lines of JSON that the engine writes while it works, to their end.
 * @throws RuntimeError ERR_RUNTIME_PACKAGE with what the engine found wrong
 */
export async function readProgress(
  what: string,
  stream: NodeJS.ReadableStream,
  signal: AbortSignal,
): Promise<void> {
  const stop = (): void => {
    (stream as NodeJS.ReadableStream & { destroy?(): void }).destroy?.();
  };
  signal.addEventListener('abort', stop);
  try {
    let rest = '';
    for await (const chunk of stream) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LINE_CHARS) throw refused(what, 'its answer makes no sense');
      for (const line of lines) look(what, line);
    }
    look(what, rest);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function look(what: string, line: string): void {
  if (line.trim() === '') return;
  const { error } = checkProgress(JSON.parse(line));
  if (error !== undefined) throw refused(what, error);
}

function refused(what: string, why: string): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_PACKAGE',
    `The engine could not ${what} the image: ${why.slice(0, 500)}`,
  );
}
