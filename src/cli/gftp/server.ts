import { createInterface } from 'node:readline';
import { write, type Io } from '../io.ts';
import { gftpMethods } from './methods.ts';
import { answerLine } from './rpc.ts';
import type { FileServices } from './file-services.ts';

/** JSON-RPC on stdin and stdout, a line each, until one asks for the end or stdin has come to it. */
export async function serveRpc(
  services: FileServices,
  io: Pick<Io, 'stdin' | 'stdout'>,
  signal: AbortSignal,
): Promise<void> {
  const lines = createInterface({ input: io.stdin, crlfDelay: Infinity });
  const methods = gftpMethods(services, () => lines.close());
  const end = (): void => lines.close();
  signal.addEventListener('abort', end, { once: true });
  const answering = new Set<Promise<void>>();
  // As in Yagna, one request does not wait for another: a large file holds up nothing but itself.
  const ended = new Promise<void>((resolve) => lines.once('close', resolve));
  lines.on('line', (line) => {
    if (line.trim() === '') return;
    const answered = answerLine(line, methods)
      .then((answer) => (answer === undefined ? undefined : write(io.stdout, `${answer}\n`)))
      .finally(() => answering.delete(answered));
    answering.add(answered);
  });
  await ended;
  await Promise.allSettled(answering);
}
