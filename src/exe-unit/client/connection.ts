import type { Socket } from 'node:net';
import type { Clock } from '../../interface/clock.ts';
import { ExeUnitError } from '../errors.ts';
import { connectIn } from '../socket/directory-socket.ts';
import { jsonLine, readJsonLines } from '../socket/lines.ts';
import { checkProgress, checkReply, type Reply, type Request } from '../socket/protocol.ts';

export type Answer = Extract<Reply, { ok: true }>;

/**
 * One request to the supervisor that listens in `directory`.
 * @throws ExeUnitError the supervisor's own refusal, or ERR_EXE_UNIT_UNKNOWN when it does not answer in time
 */
export async function request(
  directory: string,
  message: Request,
  timeoutMs: number,
  clock: Clock,
): Promise<Answer> {
  const line = jsonLine(message);
  const socket = await connect(directory);
  const late = new AbortController();
  const cancel = clock.setTimer(() => {
    late.abort();
    socket.destroy();
  }, timeoutMs);
  try {
    socket.write(line);
    for await (const reply of readJsonLines(socket)) return granted(checkReply(reply));
    throw unanswered(
      directory,
      late.signal.aborted ? `it has not answered within ${timeoutMs} ms` : 'it closed the connection',
    );
  } catch (cause) {
    if (cause instanceof ExeUnitError) throw cause;
    throw unanswered(directory, String(cause), cause);
  } finally {
    cancel();
    socket.destroy();
  }
}

/** Calls `onProgress` as the journal grows; resolves when the connection has ended, or the signal has aborted. */
export async function watch(
  directory: string,
  onProgress: (seq: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const socket = await connect(directory);
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    socket.write(jsonLine({ op: 'watch' }));
    let greeted = false;
    for await (const message of readJsonLines(socket)) {
      onProgress(greeted ? checkProgress(message).seq : granted(checkReply(message)).seq);
      greeted = true;
    }
  } catch {
    // However it ended: what follows is to find out whether the supervisor lives.
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

function granted(reply: Reply): Answer {
  if (reply.ok) return reply;
  throw new ExeUnitError(reply.code, reply.message);
}

async function connect(directory: string): Promise<Socket> {
  try {
    const socket = await connectIn(directory);
    // A supervisor may die at any moment; the reader sees the end of the stream.
    socket.on('error', () => socket.destroy());
    return socket;
  } catch (cause) {
    throw unanswered(directory, 'nobody listens', cause);
  }
}

function unanswered(directory: string, why: string, cause?: unknown): ExeUnitError {
  return new ExeUnitError(
    'ERR_EXE_UNIT_UNKNOWN',
    `the supervisor in ${directory} does not answer: ${why}`,
    { directory },
    { cause },
  );
}
