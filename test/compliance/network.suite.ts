import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ErgonError } from '../../src/interface/errors.ts';
import {
  BLOB_CHUNK_BYTES,
  type Network,
  type PeerInfo,
  type PeerStream,
  type RequestHandler,
  type Sender,
} from '../../src/interface/network.ts';
import type { JsonValue } from '../../src/interface/store.ts';
import { newId } from '../../src/util/id.ts';
import { testIdentity } from '../support/identities.ts';

/** One network to test on. */
export interface NetworkFixture {
  /** A node that is not started; when it is, it gets connected with `introducer`, which runs already. */
  node(name: string, introducer?: Network): Network;
  teardown(): Promise<void>;
}

const PROTOCOL = '/ergon/test/1';
const STREAMS = '/ergon/test-stream/1';
const HASH = `sha256:${'ab'.repeat(32)}`;

interface Echo {
  readonly value: JsonValue;
}

function checkEcho(body: unknown): Echo {
  if (typeof body !== 'object' || body === null || !('value' in body)) throw new Error('/value is required');
  return { value: body.value as JsonValue };
}

function handler<Req>(spec: RequestHandler<Req>): RequestHandler<never> {
  return spec as unknown as RequestHandler<never>;
}

class TeapotError extends ErgonError<'ERR_TEST_TEAPOT'> {}
class BooksError extends ErgonError<'ERR_STORE_VALUE'> {}

/** What every implementation of Network keeps. */
export function networkSuite(name: string, setup: () => Promise<NetworkFixture>): void {
  describe(name, () => {
    let fixture: NetworkFixture;
    let a: Network;
    let b: Network;
    let handled: { body: unknown; sender: Sender; signal: AbortSignal }[];
    let hold: PromiseWithResolvers<JsonValue>;
    let listedSize: number;
    let list: string[];
    let accepted: { stream: PeerStream; sender: Sender }[];
    let serve: PromiseWithResolvers<undefined>;

    beforeEach(async () => {
      fixture = await setup();
      handled = [];
      hold = Promise.withResolvers();
      serve = Promise.withResolvers();
      a = fixture.node('a');
      a.handle({
        id: PROTOCOL,
        requests: {
          echo: handler<Echo>({
            check: checkEcho,
            handle: async (body, sender, signal) => {
              handled.push({ body, sender, signal });
              return { value: body.value };
            },
          }),
          hold: handler<Echo>({
            check: checkEcho,
            handle: async (body, sender, signal) => {
              handled.push({ body, sender, signal });
              return hold.promise;
            },
          }),
          teapot: handler<Echo>({
            check: checkEcho,
            handle: async () => {
              throw new TeapotError('ERR_TEST_TEAPOT', 'I am a teapot', { spout: 'short', handles: 1n });
            },
          }),
          bug: handler<Echo>({
            check: checkEcho,
            handle: async () => {
              throw new TypeError('the secret is 42');
            },
          }),
          books: handler<Echo>({
            check: checkEcho,
            handle: async () => {
              throw new BooksError('ERR_STORE_VALUE', 'the secret is 42', {});
            },
          }),
          large: handler<Echo>({ check: checkEcho, handle: async () => 'x'.repeat(3 * 1024 * 1024) }),
        },
      });
      a.serveBlobs({
        async open(hash, sender, offset) {
          if (hash === LISTED) return { sizeBytes: listedSize, chunks: list, bytes: slices(Buffer.alloc(5)) };
          if (hash !== HASH || sender.peerId !== b.peerId) return undefined;
          return { ...BLOB_HEAD, bytes: slices(BLOB.subarray(offset)) };
        },
      });
      accepted = [];
      a.handleStreams(
        STREAMS,
        async (stream, sender) => {
          accepted.push({ stream, sender });
          await serve.promise;
          for await (const chunk of stream.bytes) await stream.write(chunk);
        },
        { maxPerPeer: 8 },
      );
      await a.start();
      b = fixture.node('b', a);
    });

    afterEach(async () => {
      hold.resolve(null);
      serve.resolve(undefined);
      await b.stop();
      await a.stop();
      await fixture.teardown();
    });

    async function connected(): Promise<void> {
      const seen = Promise.all([nextPeer(a, b.peerId), nextPeer(b, a.peerId)]);
      await b.start();
      await seen;
    }

    const ask = (kind: string, value: JsonValue, options = {}): Promise<JsonValue> =>
      b.request(a.peerId, PROTOCOL, kind, { value }, options);

    test('a request brings its answer, and the handler knows who asked', async () => {
      await connected();
      const value = { text: 'ünï\u0000', list: [1, null, true], deep: { er: '☃' } };
      expect(await ask('echo', value)).toEqual({ value });
      expect(handled[0]?.sender).toEqual({ peerId: b.peerId, address: b.address });
    });

    test('answers find their requests whatever their order', async () => {
      await connected();
      const held = ask('hold', 'first');
      const values = Array.from({ length: 300 }, (_, index) => index);
      const answers = await Promise.all(values.map((value) => ask('echo', value)));
      expect(answers).toEqual(values.map((value) => ({ value })));
      hold.resolve('last');
      expect(await held).toBe('last');
    });

    test("a handler's error arrives with code, message and detail", async () => {
      await connected();
      await expect(ask('teapot', 1)).rejects.toMatchObject({
        code: 'ERR_NETWORK_REMOTE',
        detail: {
          code: 'ERR_TEST_TEAPOT',
          message: 'I am a teapot',
          detail: { spout: 'short', handles: '1' },
        },
      });
    });

    test.each(['bug', 'books'])('a fault of its own (%s) tells nothing of the inside', async (kind) => {
      await connected();
      const error: unknown = await ask(kind, 1).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'ERR_NETWORK_REMOTE', detail: { code: 'ERR_NETWORK_INTERNAL' } });
      expect(JSON.stringify(error) + String(error)).not.toContain('42');
    });

    test('a body that does not fit never reaches the handler, and the caller is told what was wrong', async () => {
      await connected();
      await expect(b.request(a.peerId, PROTOCOL, 'echo', { other: 1 })).rejects.toMatchObject({
        code: 'ERR_NETWORK_REMOTE',
        detail: { code: 'ERR_NETWORK_INVALID', message: '/value is required' },
      });
      expect(handled).toEqual([]);
    });

    test.each(['nonsense', 'constructor', '__proto__', 'toString'])(
      'the unknown kind %s is refused',
      async (kind) => {
        await connected();
        await expect(ask(kind, 1)).rejects.toMatchObject({ detail: { code: 'ERR_NETWORK_UNKNOWN_KIND' } });
      },
    );

    test('a protocol that the peer does not speak', async () => {
      await connected();
      await expect(b.request(a.peerId, '/ergon/other/1', 'echo', 1)).rejects.toMatchObject({
        code: 'ERR_NETWORK_PROTOCOL',
      });
      expect(await ask('echo', 1)).toEqual({ value: 1 });
    });

    test('a request that is too large is not sent; an answer that is too large is an error', async () => {
      await connected();
      await expect(ask('echo', 'x'.repeat(2 * 1024 * 1024))).rejects.toMatchObject({
        code: 'ERR_NETWORK_TOO_LARGE',
      });
      expect(handled).toEqual([]);
      await expect(ask('large', 1)).rejects.toMatchObject({ detail: { code: 'ERR_NETWORK_TOO_LARGE' } });
      expect(await ask('echo', 'x'.repeat(1000 * 1024))).toEqual({ value: 'x'.repeat(1000 * 1024) });
    });

    test('the timeout and the signal end a request, not the connection', async () => {
      await connected();
      await expect(ask('hold', 1, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'ERR_NETWORK_TIMEOUT' });
      const controller = new AbortController();
      const given = ask('hold', 2, { signal: controller.signal });
      controller.abort();
      await expect(given).rejects.toMatchObject({ code: 'ERR_NETWORK_ABORTED' });
      await expect(ask('hold', 3, { signal: controller.signal })).rejects.toMatchObject({
        code: 'ERR_NETWORK_ABORTED',
      });
      expect(await ask('echo', 4)).toEqual({ value: 4 });
    });

    test('a peer that nobody knows is unreachable', async () => {
      await connected();
      const stranger = testIdentity('stranger').peerId;
      await expect(b.request(stranger, PROTOCOL, 'echo', 1)).rejects.toMatchObject({
        code: 'ERR_NETWORK_UNREACHABLE',
      });
    });

    test('a peer that stops breaks what is under way on both sides', async () => {
      await connected();
      const held = ask('hold', 1);
      const refused = expect(held).rejects.toMatchObject({ code: 'ERR_NETWORK_UNREACHABLE' });
      await until(() => handled.length === 1);
      handled[0]?.signal.addEventListener('abort', () => hold.resolve('aborted'));
      await a.stop();
      await refused;
      expect(await hold.promise).toBe('aborted');
      expect(a.peers()).toEqual([]);
      await a.stop();
    });

    test('a connection that a node does not want any more breaks with what is under way on it', async () => {
      await connected();
      const held = ask('hold', 1).catch(() => undefined);
      await until(() => handled.length === 1);
      a.disconnect(({ address }) => address === a.address);
      expect(handled[0]?.signal.aborted).toBe(false);
      a.disconnect(({ address }) => address === b.address);
      await until(() => handled[0]?.signal.aborted === true);
      hold.resolve(null);
      await held;
    });

    test('peers are listed with their proven address while they are connected', async () => {
      await connected();
      expect(a.peers()).toMatchObject([{ peerId: b.peerId, address: b.address, direction: 'inbound' }]);
      expect(b.peers()).toMatchObject([{ peerId: a.peerId, address: a.address, direction: 'outbound' }]);
      expect(a.multiaddrs().length).toBeGreaterThan(0);
      await b.stop();
      await until(() => a.peers().length === 0);
      expect(b.multiaddrs()).toEqual([]);
    });

    test('a listener that was taken off, or throws, hurts nobody', async () => {
      const seen: string[] = [];
      a.onPeer(() => seen.push('gone'))();
      a.onPeer(() => {
        throw new Error('listener');
      });
      a.onPeer((peer) => seen.push(peer.peerId));
      await connected();
      await until(() => seen.length > 0);
      expect(seen).toEqual([b.peerId]);
    });

    test('a blob comes whole and from any offset', async () => {
      await connected();
      const whole = await b.fetchBlob(a.peerId, HASH, 0);
      expect({ sizeBytes: whole.sizeBytes, chunks: whole.chunks }).toEqual(BLOB_HEAD);
      expect(Buffer.compare(await collect(whole.bytes), BLOB)).toBe(0);
      const rest = await b.fetchBlob(a.peerId, HASH, 999_999);
      expect(rest.chunks).toEqual(BLOB_HEAD.chunks);
      expect(Buffer.compare(await collect(rest.bytes), BLOB.subarray(999_999))).toBe(0);
      const nothing = await b.fetchBlob(a.peerId, HASH, BLOB.byteLength);
      expect(await collect(nothing.bytes)).toHaveLength(0);
    });

    test.each([
      ['too short', []],
      ['too long', ['0'.repeat(64), '0'.repeat(64)]],
      ['of what are no hashes', ['0'.repeat(63)]],
    ])('a list of chunk hashes that is %s is refused before the bytes', async (_what, given) => {
      await connected();
      listedSize = 5;
      list = given;
      await expect(b.fetchBlob(a.peerId, LISTED, 0)).rejects.toMatchObject({
        code: 'ERR_NETWORK_PROTOCOL',
      });
      expect(await ask('echo', 1)).toEqual({ value: 1 });
    });

    test('a blob of as many chunks as there may be is told of, one of more is not', async () => {
      await connected();
      listedSize = 65_536 * BLOB_CHUNK_BYTES;
      list = Array.from({ length: 65_536 }, () => 'ee'.repeat(32));
      const { chunks } = await b.fetchBlob(a.peerId, LISTED, listedSize - 5);
      expect(chunks).toEqual(list);
      listedSize += 1;
      list.push('ee'.repeat(32));
      await expect(b.fetchBlob(a.peerId, LISTED, listedSize - 5)).rejects.toMatchObject({
        code: 'ERR_NETWORK_PROTOCOL',
      });
    });

    test('a blob that is not there and one that is not allowed look the same', async () => {
      await connected();
      const missing = `sha256:${'00'.repeat(32)}`;
      await expect(b.fetchBlob(a.peerId, missing, 0)).rejects.toMatchObject({
        code: 'ERR_NETWORK_BLOB_NOT_FOUND',
      });
      await expect(a.fetchBlob(b.peerId, HASH, 0)).rejects.toMatchObject({
        code: 'ERR_NETWORK_BLOB_NOT_FOUND',
      });
      expect(await ask('echo', 1)).toEqual({ value: 1 });
    });

    test('a reader may stop in the middle of a blob', async () => {
      await connected();
      const { bytes } = await b.fetchBlob(a.peerId, HASH, 0);
      for await (const chunk of bytes) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        break;
      }
      expect(await ask('echo', 1)).toEqual({ value: 1 });
    });

    test('an announcement reaches its topic and no other; one that is refused is not delivered further', async () => {
      const got: unknown[] = [];
      a.onAnnouncement('test-offers', async (body) => {
        if (body === 'bad') throw new Error('refused');
      });
      a.onAnnouncement('test-offers', async (body) => void got.push(body));
      a.onAnnouncement('test-other', async (body) => void got.push(['other', body]));
      await connected();
      // Gossip has no promise of delivery: a topic's listeners become known a moment after the connection.
      for (let round = 0; got.length === 0; round += 1) {
        await b.announce('test-offers', 'bad');
        await b.announce('test-offers', { round });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(got[0]).toEqual({ round: expect.any(Number) });
      expect(got).not.toContain('bad');
      await expect(b.announce('test-offers', 'x'.repeat(200_000))).rejects.toMatchObject({
        code: 'ERR_NETWORK_TOO_LARGE',
      });
    });

    test('a stream carries bytes both ways, each side ends its own', async () => {
      await connected();
      serve.resolve(undefined);
      const stream = await b.openStream(a.peerId, STREAMS);
      const back = collect(stream.bytes);
      for await (const chunk of slices(BLOB)) await stream.write(chunk);
      await stream.end();
      expect(Buffer.compare(await back, BLOB)).toBe(0);
      await stream.closed;
      expect(accepted[0]?.sender).toEqual({ peerId: b.peerId, address: b.address });
    });

    test('a stream whose reader is behind takes no more than a bounded amount, and all of it later', async () => {
      await connected();
      const stream = await b.openStream(a.peerId, STREAMS);
      let sent = 0;
      const chunk = new Uint8Array(64 * 1024);
      const writing = (async () => {
        for (; sent < 24 << 20; sent += chunk.byteLength) await stream.write(chunk);
        await stream.end();
      })();
      // Others get their turn on the same connection meanwhile.
      for (let turn = 0; turn < 50; turn += 1) expect(await ask('echo', turn)).toEqual({ value: turn });
      expect(sent).toBeLessThan(16 << 20);
      serve.resolve(undefined);
      let got = 0;
      for await (const { byteLength } of stream.bytes) got += byteLength;
      await writing;
      expect(got).toBe(24 << 20);
    });

    test('a stream that one side breaks is broken for the other', async () => {
      await connected();
      const stream = await b.openStream(a.peerId, STREAMS);
      await stream.write(Buffer.from('hello'));
      await until(() => accepted.length === 1);
      stream.abort(new Error('enough'));
      await accepted[0]?.stream.closed;
      await expect(collect(accepted[0]?.stream.bytes ?? slices(BLOB))).rejects.toThrow();
      expect(await ask('echo', 1)).toEqual({ value: 1 });
    });

    test('a stream breaks when its peer stops, and there is none of a protocol that nobody speaks', async () => {
      await connected();
      await expect(b.openStream(a.peerId, '/ergon/other/1')).rejects.toMatchObject({
        code: 'ERR_NETWORK_PROTOCOL',
      });
      const stream = await b.openStream(a.peerId, STREAMS);
      await until(() => accepted.length === 1);
      const stopped = a.stop();
      await stream.closed;
      serve.resolve(undefined);
      await stopped;
      await expect(stream.write(Buffer.from('x'))).rejects.toThrow();
      await expect(b.openStream(a.peerId, STREAMS)).rejects.toMatchObject({
        code: 'ERR_NETWORK_UNREACHABLE',
      });
    });

    test('before the start and after the stop it refuses to work', async () => {
      await expect(ask('echo', 1)).rejects.toMatchObject({ code: 'ERR_NETWORK_STATE' });
      expect(() => a.handle({ id: newId(), requests: {} })).toThrow('before the start');
      expect(() => b.handle({ id: PROTOCOL, requests: {} })).not.toThrow();
      expect(() => b.handle({ id: PROTOCOL, requests: {} })).toThrow('twice');
      await connected();
      await b.stop();
      await expect(b.announce('test-offers', 1)).rejects.toMatchObject({ code: 'ERR_NETWORK_STATE' });
      await expect(b.fetchBlob(a.peerId, HASH, 0)).rejects.toMatchObject({ code: 'ERR_NETWORK_STATE' });
    });
  });
}

const BLOB = Buffer.alloc(1_500_000, 'a blob of some length, ');
const BLOB_HEAD = {
  sizeBytes: BLOB.byteLength,
  chunks: [BLOB.subarray(0, BLOB_CHUNK_BYTES), BLOB.subarray(BLOB_CHUNK_BYTES)].map((chunk) =>
    createHash('sha256').update(chunk).digest('hex'),
  ),
};
const LISTED = `sha256:${'77'.repeat(32)}`;

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function nextPeer(network: Network, peerId: string): Promise<PeerInfo> {
  const { promise, resolve } = Promise.withResolvers<PeerInfo>();
  const off = network.onPeer((peer) => {
    if (peer.peerId !== peerId) return;
    off();
    resolve(peer);
  });
  return promise;
}

/** Polls: what is awaited is real I/O of another node. The test's own timeout bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
