import { multiaddr } from '@multiformats/multiaddr';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Network, RequestHandler } from '../../src/interface/network.ts';
import { testIdentity } from '../support/identities.ts';
import { testNodes, until } from '../support/libp2p-nodes.ts';

const nodes = testNodes();
const PROTOCOL = '/ergon/test/1';
const BLOB = '/ergon/blob/2';
const HASH = `sha256:${'cd'.repeat(32)}`;
/** As many as 50 MB have. */
const CHUNKS = Array.from({ length: 48 }, () => 'ee'.repeat(32));
/** Before five bytes. */
const HEAD = { sizeBytes: 5, chunks: ['ee'.repeat(32)] };

let victim: Network;
let friend: Network;
let stranger: Libp2p;
let connection: Connection;
let started: number;

beforeEach(async () => {
  started = 0;
  victim = nodes.node('victim', {
    limits: { maxMessageBytes: 10_000, maxConcurrentRequests: 8, maxWriteBufferBytes: 100_000 },
  });
  const echo: RequestHandler<string> = { check: String, handle: async (value) => value };
  const large: RequestHandler<string> = { check: String, handle: async () => 'x'.repeat(9000) };
  const hold: RequestHandler<string> = {
    check: String,
    handle: (_value, _sender, signal) => {
      started += 1;
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve('ended')));
    },
  };
  const requests = { echo, large, hold } as unknown as Record<string, RequestHandler<never>>;
  victim.handle({ id: PROTOCOL, requests });
  victim.serveBlobs({
    open: async (hash) =>
      hash === HASH ? { sizeBytes: 50_000_000, chunks: CHUNKS, bytes: endless() } : undefined,
  });
  await victim.start();
  friend = nodes.node('friend', { bootstrap: victim.multiaddrs() });
  await friend.start();
  stranger = await nodes.stranger();
  connection = await stranger.dial(multiaddr(victim.multiaddrs()[0]));
  await until(() => victim.peers().length === 2);
});

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(100_000);
}

const alive = async (): Promise<void> => {
  expect(await friend.request(victim.peerId, PROTOCOL, 'echo', 'still here', { timeoutMs: 10_000 })).toBe(
    'still here',
  );
};

function frame(value: unknown): Buffer {
  const body = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  const header = Buffer.alloc(4);
  header.writeUInt32BE(body.byteLength);
  return Buffer.concat([header, body]);
}

/** Everything that comes back until the victim ends the stream. */
async function answersTo(protocol: string, ...sent: Uint8Array[]): Promise<unknown[]> {
  const stream = await connection.newStream(protocol);
  const received = collect(stream);
  for (const bytes of sent) if (stream.writeStatus === 'writable') stream.send(bytes);
  const bytes = await received;
  const answers: unknown[] = [];
  for (let at = 0; at + 4 <= bytes.byteLength;) {
    const length = bytes.readUInt32BE(at);
    answers.push(JSON.parse(bytes.subarray(at + 4, at + 4 + length).toString()));
    at += 4 + length;
  }
  return answers;
}

function collect(stream: Stream): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  stream.addEventListener('message', ({ data }) => void parts.push(data.subarray()));
  const end = (): void => resolve(Buffer.concat(parts));
  stream.addEventListener('remoteCloseWrite', end);
  stream.addEventListener('close', end);
  return promise;
}

const protocolError = expect.objectContaining({
  id: 0,
  error: expect.objectContaining({ code: 'ERR_NETWORK_PROTOCOL' }) as unknown,
}) as unknown;

describe('what comes over the wire', () => {
  test.each([
    ['bytes that are no JSON', frame(Buffer.from([0xff, 0xfe, 0x00]))],
    ['JSON that is no envelope', frame([1, 2, 3])],
    ['an envelope without kind', frame({ id: 1, body: 1 })],
    ['an envelope with more than it may have', frame({ id: 1, kind: 'echo', body: 1, more: 1 })],
    ['an id that is none', frame({ id: -1, kind: 'echo', body: 1 })],
    ['a kind that is none', frame({ id: 1, kind: 'x'.repeat(100), body: 1 })],
    ['a message announced as 4 GiB', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x00])],
    ['a message over the limit', frame('x'.repeat(20_000))],
    ['an empty message', Buffer.alloc(4)],
  ])('%s is answered with what was wrong, and ends only its stream', async (_what, bytes) => {
    expect(await answersTo(PROTOCOL, bytes)).toEqual([protocolError]);
    await alive();
    expect(connection.status).toBe('open');
  });

  test('deep nesting is an answer, not a crash', async () => {
    const deep = Buffer.from(`{"id":1,"kind":"echo","body":${'['.repeat(4500)}${']'.repeat(4500)}}`);
    const stream = await connection.newStream(PROTOCOL);
    const answer = new Promise((resolve) => {
      stream.addEventListener('message', resolve, { once: true });
      stream.addEventListener('close', resolve, { once: true });
    });
    stream.send(frame(deep));
    await answer;
    await alive();
  });

  test('any random bytes, cut anywhere, leave the node alive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(PROTOCOL, BLOB),
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (protocol, parts, framed) => {
          const stream = await connection.newStream(protocol);
          stream.addEventListener('message', () => undefined);
          for (const part of parts) {
            if (stream.writeStatus === 'writable') stream.send(framed ? frame(Buffer.from(part)) : part);
          }
          stream.abort(new Error('gone'));
        },
      ),
      { numRuns: 150 },
    );
    await alive();
  });

  test('half-open streams hold nobody up, and too many of them are refused', async () => {
    const streams = await Promise.all(
      Array.from({ length: 40 }, () => connection.newStream(PROTOCOL).catch(() => undefined)),
    );
    for (const stream of streams) if (stream?.writeStatus === 'writable') stream.send(Buffer.from([0, 0]));
    await alive();
    await until(() => streams.filter((stream) => stream?.status === 'open').length <= 4);
  });

  test('a peer that asks without end and reads nothing is bounded', async () => {
    const stream = await connection.newStream(PROTOCOL);
    stream.addEventListener('message', () => undefined);
    for (let id = 1; id <= 500 && stream.writeStatus === 'writable'; id += 1) {
      if (!stream.send(frame({ id, kind: 'hold', body: 'x'.repeat(5000) }))) break;
    }
    await until(() => started >= 8);
    await alive();
    expect(started).toBe(8);
    stream.abort(new Error('gone'));
    await alive();
  });

  test('a blob reader that stops reading holds nobody up', async () => {
    const stream = await connection.newStream(BLOB);
    const first = new Promise((resolve) => {
      stream.addEventListener('message', resolve, { once: true });
    });
    stream.send(frame({ hash: HASH, offset: 0 }));
    await first;
    stream.pause();
    await alive();
  });

  test('a blob request that is none is answered with what was wrong', async () => {
    for (const bad of [{ hash: 'x', offset: 0 }, { hash: HASH }, { hash: HASH, offset: -1 }, [], 'x']) {
      expect(await answersTo(BLOB, frame(bad))).toEqual([
        { error: expect.objectContaining({ code: 'ERR_CHECK_INVALID' }) as unknown },
      ]);
    }
    await alive();
  });
});

describe('a peer that answers', () => {
  async function asked(answer: (stream: Stream) => void): Promise<unknown> {
    await stranger.handle('/ergon/other/1', (stream) => {
      stream.addEventListener('message', () => answer(stream), { once: true });
    });
    return victim
      .request(stranger.peerId.toString(), '/ergon/other/1', 'ask', 1, { timeoutMs: 5000 })
      .catch((error: unknown) => error);
  }

  test.each([
    ['garbage', Buffer.from([0, 0, 0, 3, 1, 2, 3])],
    ['an endless message', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a number that was not asked', frame({ id: 77, ok: 1 })],
    ['neither success nor error', frame({ id: 1 })],
    ['an error without code', frame({ id: 1, error: { message: 'x', detail: {} } })],
    ['a refusal of the stream', frame({ id: 0, error: { code: 'ERR_X', message: 'no', detail: {} } })],
  ])('%s is said to have broken the protocol', async (_what, bytes) => {
    expect(await asked((stream) => void stream.send(bytes))).toMatchObject({ code: 'ERR_NETWORK_PROTOCOL' });
    await alive();
  });

  test('by closing the stream is unreachable', async () => {
    expect(await asked((stream) => stream.abort(new Error('no')))).toMatchObject({
      code: 'ERR_NETWORK_UNREACHABLE',
    });
    expect(await asked((stream) => stream.abort(new Error('no'))).catch(() => 0)).toBeDefined();
    await alive();
  });
});

describe('a peer that serves blobs', () => {
  async function fetched(serve: (stream: Stream) => void): Promise<unknown> {
    await stranger.handle(BLOB, (stream) => {
      stream.addEventListener('message', () => serve(stream), { once: true });
    });
    try {
      const { bytes } = await victim.fetchBlob(stranger.peerId.toString(), HASH, 0, { timeoutMs: 3000 });
      let total = 0;
      for await (const chunk of bytes) total += chunk.byteLength;
      return total;
    } catch (error) {
      return error;
    }
  }

  test('with more bytes than it announced is refused', async () => {
    const serve = (stream: Stream): void => void stream.send(Buffer.concat([frame(HEAD), Buffer.alloc(6)]));
    expect(await fetched(serve)).toMatchObject({ code: 'ERR_NETWORK_PROTOCOL' });
  });

  test('with fewer bytes than it announced is an interrupted transfer', async () => {
    const serve = (stream: Stream): void => {
      stream.send(Buffer.concat([frame(HEAD), Buffer.alloc(4)]));
      void stream.close();
    };
    expect(await fetched(serve)).toMatchObject({ code: 'ERR_NETWORK_UNREACHABLE' });
  });

  test('with a reply that is none is refused', async () => {
    const serve = (stream: Stream): void => void stream.send(frame({ ...HEAD, sizeBytes: -1 }));
    expect(await fetched(serve)).toMatchObject({ code: 'ERR_NETWORK_PROTOCOL' });
  });

  test('that falls silent is given up after the timeout', async () => {
    const serve = (stream: Stream): void => void stream.send(Buffer.concat([frame(HEAD), Buffer.alloc(4)]));
    expect(await fetched(serve)).toMatchObject({ code: 'ERR_NETWORK_TIMEOUT' });
  });
});

test('a slow reader of a large blob gets every byte, at its own pace', async () => {
  const { bytes } = await friend.fetchBlob(victim.peerId, HASH, 0);
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.byteLength;
    if (total < 20_000_000 && total % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(total).toBe(50_000_000);
  expect(testIdentity('friend').peerId).toBe(friend.peerId);
});
