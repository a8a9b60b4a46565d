import type { EventSourceMessage } from 'eventsource-parser';
import type { ApiClient, Query } from './client.ts';
import { CliError } from './errors.ts';
import type { Io } from './io.ts';

/** Where a stream begins and how it is known to be whole. */
export interface EventStreamOptions {
  readonly query?: Query;
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
  /** The stream says `end` when it is whole; any other close is an interruption. */
  readonly saysEnd?: boolean;
}

const RETRY_DELAY_MS = 1000;
const MAX_RETRIES = 30;

/**
 * Server-sent events, over interruptions: a broken connection is opened anew after the last event seen, also across a
 * restart of the daemon. Ends with the event `end`, or, where there is none, when the server closes the stream.
 */
export async function* eventStream(
  client: ApiClient,
  path: string,
  io: Pick<Io, 'sleep'>,
  options: EventStreamOptions = {},
): AsyncGenerator<EventSourceMessage> {
  const { query = {}, signal } = options;
  let lastEventId = options.lastEventId;
  let failures = 0;
  for (;;) {
    try {
      for await (const message of await open(client, path, { query, lastEventId, signal })) {
        failures = 0;
        if (message.id !== undefined) lastEventId = message.id;
        yield message;
        if (message.event === 'end') return;
      }
      if (options.saysEnd !== true) return;
      await io.sleep(RETRY_DELAY_MS, signal);
    } catch (error) {
      failures += 1;
      if (signal?.aborted === true || !isInterruption(error) || failures > MAX_RETRIES) throw error;
      await io.sleep(RETRY_DELAY_MS, signal);
    }
  }
}

interface OpenOptions {
  readonly query: Query;
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal | undefined;
}

async function open(client: ApiClient, path: string, { query, lastEventId, signal }: OpenOptions) {
  const { EventSourceParserStream } = await import('eventsource-parser/stream');
  const answer = await client.request('GET', path, {
    query,
    headers: {
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    ...(signal && { signal }),
  });
  if (answer.body === null) throw new CliError('ERR_CLI_ANSWER', `${answer.url} answered without a body`);
  return answer.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ maxBufferSize: 16 * 1024 * 1024 }));
}

/** The connection broke, or the daemon is being restarted; not an answer that says no. */
function isInterruption(error: unknown): boolean {
  if (error instanceof CliError) return error.code === 'ERR_CLI_DAEMON_NOT_RUNNING';
  return error instanceof TypeError;
}
