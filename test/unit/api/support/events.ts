import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** Reads server-sent events of a real connection, one at a time. */
export async function openEvents(url: string, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const response = await fetch(url, {
    headers: { authorization: 'Bearer key-admin', accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  const messages = parse(response);
  return {
    response,
    close: () => abort.abort(),
    next: async (): Promise<EventSourceMessage | undefined> => (await messages.next()).value ?? undefined,
    rest: async (): Promise<EventSourceMessage[]> => {
      const all: EventSourceMessage[] = [];
      for await (const message of messages) all.push(message);
      return all;
    },
  };
}

async function* parse(response: Response): AsyncGenerator<EventSourceMessage, undefined> {
  const ready: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => void ready.push(message) });
  const decoder = new TextDecoder();
  if (response.body === null) return undefined;
  for await (const chunk of response.body) {
    parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
    yield* ready.splice(0);
  }
  return undefined;
}

/** The bytes that the messages of a log carry. */
export function logBytes(messages: readonly (EventSourceMessage | undefined)[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) =>
      message?.event === 'stdout' || message?.event === 'stderr' ? [Buffer.from(message.data, 'base64')] : [],
    ),
  );
}
