import { createServer, type Server, type Socket } from 'node:net';
import { isErgonError } from '../../interface/errors.ts';
import type { Logger } from '../../interface/logger.ts';
import { errorMessage } from '../../util/error-message.ts';
import { EXE_UNIT_ERROR_CODES, type ExeUnitErrorCode } from '../errors.ts';
import type { JournalWriter } from '../journal/writer.ts';
import { checkRequest, type Reply, type Request } from '../socket/protocol.ts';
import { jsonLine, readJsonLines } from '../socket/lines.ts';
import type { Supervisor } from './supervisor.ts';

const MAX_CONNECTIONS = 64;
const MESSAGE_CHARS = 4096;

export interface ServerComponents {
  readonly supervisor: Supervisor;
  readonly journal: JournalWriter;
  readonly logger: Logger;
}

/** The daemon's way to a supervisor. Not listening yet. */
export function supervisorServer(components: ServerComponents): Server {
  const server = createServer((socket) => {
    // A daemon that was killed resets its connections; that is no concern of the activity.
    socket.on('error', () => socket.destroy());
    void serve(components, socket).finally(() => socket.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

async function serve(components: ServerComponents, socket: Socket): Promise<void> {
  const { logger } = components;
  try {
    for await (const message of readJsonLines(socket)) {
      const reply = await answer(components, message);
      socket.write(jsonLine(reply.reply));
      if (reply.watch) notify(components.journal, socket);
    }
  } catch (error) {
    socket.write(jsonLine(refusal(error)));
    logger.warn({ error: String(error).slice(0, MESSAGE_CHARS) }, 'connection refused');
  }
}

async function answer(
  components: ServerComponents,
  message: unknown,
): Promise<{ reply: Reply; watch: boolean }> {
  const { supervisor, journal } = components;
  try {
    const request = checkRequest(message);
    await perform(supervisor, request);
    return { reply: { ok: true, seq: journal.seq, state: supervisor.state }, watch: request.op === 'watch' };
  } catch (error) {
    return { reply: refusal(error), watch: false };
  }
}

async function perform(supervisor: Supervisor, request: Request): Promise<void> {
  switch (request.op) {
    case 'ping':
    case 'watch':
      return;
    case 'exec':
      return supervisor.exec(request.batchId, request.script);
    case 'provide':
      return supervisor.provide(request.hash, request.result);
    case 'answer':
      return supervisor.answer(request.batchId, request.index, request.answer);
    case 'report':
      return supervisor.report(request.batchId, request.index, request.progress);
    case 'suspend':
      return supervisor.suspend(request.by);
    case 'resume':
      return supervisor.resume(request.by);
    case 'cancel':
      return supervisor.cancel(request.batchId);
    case 'end':
      return supervisor.end(request.state, request.reason);
  }
}

/** Says how far the journal has got, once the reader has taken what was said before: a slow one costs nothing. */
function notify(journal: JournalWriter, socket: Socket): void {
  let behind = false;
  const tell = (): void => {
    behind = socket.writableNeedDrain;
    if (!behind) socket.write(jsonLine({ seq: journal.seq }));
  };
  const stop = journal.onAppended(tell);
  socket.on('drain', () => {
    if (behind) tell();
  });
  socket.once('close', stop);
}

function refusal(error: unknown): Reply {
  const message = errorMessage(error);
  return { ok: false, code: codeOf(error), message: message.slice(0, MESSAGE_CHARS) };
}

function codeOf(error: unknown): ExeUnitErrorCode {
  if (isErgonError(error, 'ERR_CHECK_INVALID')) return 'ERR_EXE_UNIT_PROTOCOL';
  const code = isErgonError(error) ? error.code : undefined;
  return EXE_UNIT_ERROR_CODES.find((known) => known === code) ?? 'ERR_EXE_UNIT_FAILED';
}
