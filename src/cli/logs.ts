import { Type } from 'typebox';
import { checker } from '../util/check.ts';
import type { ApiClient, Query } from './client.ts';
import { eventStream } from './event-stream.ts';
import { write, type Io, type Output } from './io.ts';

/** Which part of a log, and what to do as it comes. */
export interface LogOptions {
  readonly query: Query;
  readonly signal?: AbortSignal;
  /** Called before the first bytes. */
  readonly onFirst?: () => void;
  /** Called when another attempt replaces one whose output has been copied already. */
  readonly onRestart?: () => void;
}

const checkBase64 = checker(Type.String({ pattern: '^[A-Za-z0-9+/]*={0,2}$' }), 'piece of a log');

/** Copies a log to `output` byte for byte, following it over interruptions until it is whole. */
export async function followLog(
  client: ApiClient,
  path: string,
  output: Output,
  io: Pick<Io, 'sleep'>,
  options: LogOptions,
): Promise<void> {
  const { query, signal, onFirst, onRestart } = options;
  let first = true;
  const events = eventStream(client, path, io, {
    query: { ...query, follow: true },
    saysEnd: true,
    ...(signal && { signal }),
  });
  for await (const { event, data } of events) {
    if (event === 'attempt' && !first) onRestart?.();
    if (event !== 'stdout' && event !== 'stderr') continue;
    if (first) onFirst?.();
    first = false;
    await write(output, Buffer.from(checkBase64(data), 'base64'));
  }
}

/** What there is of a log now. */
export async function copyLog(client: ApiClient, path: string, output: Output, query: Query): Promise<void> {
  const answer = await client.request('GET', path, {
    query,
    headers: { accept: 'application/octet-stream' },
  });
  for await (const chunk of answer.body ?? []) {
    if (chunk instanceof Uint8Array) await write(output, chunk);
  }
}
