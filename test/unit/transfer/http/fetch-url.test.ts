import { createHash, randomBytes } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { localServers, serveBytes } from '../../../support/http-server.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { urlWorld, type UrlWorld } from './world.ts';

const folder = temporaryFolder();
const servers = localServers();
const CONTENT = randomBytes(300_000);
const hex = (algorithm: string, bytes: Buffer = CONTENT): string =>
  createHash(algorithm).update(bytes).digest('hex');
const HASH = `sha256:${hex('sha256')}`;

let world: UrlWorld;
beforeEach(async () => {
  world = await urlWorld(folder());
});

const stored = async (hash: string): Promise<Buffer> => readFile((await world.blobs.path(hash)) ?? '');
const leftovers = () => readdir(join(folder(), 'blobs', 'partial'));

describe('fetching from a URL', () => {
  it('stores the bytes under their hash', async () => {
    const server = await servers.http(serveBytes(CONTENT, '"v1"'));
    const progress: (number | undefined)[] = [];
    const info = await world.fetch(`${server.url}/file`, {
      onProgress: (done, total) => progress.push(done, total),
    });
    expect(info).toEqual({ hash: HASH, sizeBytes: CONTENT.length });
    expect((await stored(HASH)).equals(CONTENT)).toBe(true);
    expect(progress.slice(-2)).toEqual([CONTENT.length, CONTENT.length]);
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    ['a fragment', (url: string) => `${url}#${HASH}`],
    ['sha256 before it', (url: string) => `hash:sha256:${hex('sha256').toUpperCase()}:${url}`],
    ['sha3-224 before it', (url: string) => `hash:sha3:${hex('sha3-224')}:${url}`],
    ['sha3-512 before it', (url: string) => `hash:sha3:${hex('sha3-512')}:${url}`],
  ])('checks the hash that %s names', async (_, named) => {
    const right = await servers.http(serveBytes(CONTENT, '"v1"'));
    const wrong = await servers.http(serveBytes(CONTENT.subarray(1), '"v1"'));
    await expect(world.fetch(named(`${wrong.url}/x?a=b:c`))).rejects.toMatchObject({
      code: 'ERR_TRANSFER_HASH_MISMATCH',
    });
    expect(await leftovers()).toEqual([]);
    expect(await world.fetch(named(`${right.url}/x?a=b:c`))).toEqual({
      hash: HASH,
      sizeBytes: CONTENT.length,
    });
  });

  it('asks nobody for what is here already', async () => {
    await world.fetch((await servers.http(serveBytes(CONTENT, '"v1"'))).url);
    const server = await servers.http(serveBytes(CONTENT, '"v1"'));
    await world.fetch(`${server.url}#${HASH}`);
    await world.fetch(server.url, { expectedHash: HASH });
    expect(server.requests).toHaveLength(0);
  });

  it.each([404, 403, 400, 204, 301])('takes no page of status %i for the file', async (status) => {
    const server = await servers.http((_, response) =>
      response.writeHead(status).end(status === 204 ? '' : 'a page'),
    );
    const code = status === 301 ? 'ERR_TRANSFER_REDIRECT' : 'ERR_TRANSFER_HTTP_STATUS';
    await expect(world.fetch(server.url)).rejects.toMatchObject({ code });
    expect(server.requests).toHaveLength(1);
    expect(await world.blobs.list()).toEqual([]);
  });

  it('asks again when the server has trouble, a few times', async () => {
    let left = 2;
    const server = await servers.http((request, response) => {
      left -= 1;
      if (left >= 0) response.writeHead(503).end();
      else serveBytes(CONTENT, '"v1"')(request, response);
    });
    await world.fetch(server.url);
    left = Infinity;
    await expect(world.fetch(`${server.url}/again`)).rejects.toMatchObject({
      code: 'ERR_TRANSFER_HTTP_STATUS',
      detail: { status: 503 },
    });
    expect(server.requests).toHaveLength(3 + 5);
  });

  it('goes on where a broken connection ended', async () => {
    let requests = 0;
    const server = await servers.http((request, response) => {
      requests += 1;
      if (requests > 1) {
        serveBytes(CONTENT, '"v1"')(request, response);
        return;
      }
      response.writeHead(200, { etag: '"v1"', 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 100_000), () => response.destroy());
    });
    expect((await world.fetch(server.url)).hash).toBe(HASH);
    expect(server.requests[1]?.headers).toMatchObject({ 'if-range': '"v1"' });
    expect(server.requests[1]?.headers.range).toMatch(/^bytes=[1-9][0-9]*-$/);
  });

  it('begins anew when the file has changed meanwhile, or the server knows no ranges', async () => {
    const ranges = await servers.http(serveBytes(CONTENT, '"v2"'));
    for (const second of ['changed', 'no ranges']) {
      const server = await servers.tcp((socket, head, connection) => {
        if (connection === 1) {
          const old = Buffer.alloc(CONTENT.length);
          socket.end(
            Buffer.concat([headOf(200, { etag: '"v1"', 'content-length': old.length }), old.subarray(0, 9)]),
          );
        } else if (second === 'changed') {
          expect(head).toContain('bytes=9-');
          socket.end(headOf(307, { location: ranges.url }));
        } else {
          socket.end(Buffer.concat([headOf(200, { 'content-length': CONTENT.length }), CONTENT]));
        }
      });
      expect((await world.fetch(server.url, { key: second })).hash).toBe(HASH);
    }
  });

  it('goes on for as long as each connection brings something, and no longer', async () => {
    const pieces = 12;
    const step = CONTENT.length / pieces;
    const server = await servers.tcp((socket, head) => {
      const start = Number(/bytes=(\d+)-/.exec(head)?.[1] ?? 0);
      const length = CONTENT.length - start;
      const range = `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}`;
      const headers = { etag: '"v1"', 'content-length': length, 'content-range': range };
      const answer = [headOf(start > 0 ? 206 : 200, headers), CONTENT.subarray(start, start + step)];
      socket.end(Buffer.concat(answer));
    });
    expect((await world.fetch(server.url)).hash).toBe(HASH);
  });

  it('does not believe a part that ends before it should', async () => {
    const server = await servers.http((request, response) => {
      if (server.requests.length > 2) {
        serveBytes(CONTENT, '"v1"')(request, response);
        return;
      }
      const first = server.requests.length === 1;
      const range = first ? {} : { 'content-range': `bytes 100-${CONTENT.length - 1}/${CONTENT.length}` };
      const length = first ? { 'content-length': CONTENT.length } : {};
      response.writeHead(first ? 200 : 206, { etag: '"v1"', ...range, ...length });
      // Chunked, so that nothing but the range says how much there should be.
      if (first) response.write(CONTENT.subarray(0, 100), () => response.destroy());
      else response.end(CONTENT.subarray(100, 200));
    });
    expect((await world.fetch(server.url)).hash).toBe(HASH);
  });

  it('does not put two versions together when there is nothing to tell them by', async () => {
    const server = await servers.tcp((socket, head, connection) => {
      expect(head).not.toContain('range');
      const bytes = connection === 1 ? Buffer.alloc(10) : CONTENT;
      socket.end(Buffer.concat([headOf(200, { 'content-length': CONTENT.length }), bytes]));
    });
    expect((await world.fetch(server.url)).hash).toBe(HASH);
  });

  it('goes on after a restart of the node when the hash says that it fits', async () => {
    let open = true;
    const server = await servers.http((request, response) => {
      if (!open) {
        serveBytes(CONTENT, '"v1"')(request, response);
        return;
      }
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 200_000));
    });
    const controller = new AbortController();
    const half = world.fetch(`${server.url}#${HASH}`, {
      signal: controller.signal,
      onProgress: (done) => {
        if (done >= 200_000) controller.abort(new Error('killed'));
      },
    });
    await expect(half).rejects.toThrow();
    open = false;
    world = await urlWorld(folder());
    expect((await world.fetch(`${server.url}#${HASH}`)).hash).toBe(HASH);
    expect(server.requests.at(-1)?.headers.range).toBe('bytes=200000-');
    expect(await leftovers()).toEqual([]);
  });

  it('throws away what an earlier run left when the hash says that it does not fit', async () => {
    const server = await servers.http((request, response) => {
      if (server.requests.length > 1) {
        serveBytes(CONTENT, '"v2"')(request, response);
        return;
      }
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(Buffer.alloc(1000));
    });
    const controller = new AbortController();
    const half = world.fetch(`${server.url}#${HASH}`, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(half).rejects.toThrow();
    expect((await world.fetch(`${server.url}#${HASH}`)).hash).toBe(HASH);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([
      undefined,
      'bytes=1000-',
      undefined,
    ]);
  });

  it.each([
    ['says so', { 'content-length': 2_000_000 }],
    ['does not say', {}],
    ['lies about it', { 'content-length': 500_000 }],
  ])('stops at the size that is allowed when the server %s', async (_, headers) => {
    const server = await servers.http((__, response) => {
      response.writeHead(200, headers);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more).on('error', () => undefined);
      more();
    });
    await expect(world.fetch(server.url, { maxBytes: 400_000 })).rejects.toMatchObject({
      code: 'ERR_TRANSFER_TOO_LARGE',
    });
    expect(await leftovers()).toEqual([]);
  });

  it('does not take part of a file for the whole', async () => {
    const server = await servers.tcp((socket) =>
      socket.end(
        Buffer.concat([headOf(200, { 'content-length': CONTENT.length }), CONTENT.subarray(0, 1000)]),
      ),
    );
    await expect(world.fetch(server.url)).rejects.toMatchObject({ code: 'ERR_TRANSFER_UNREACHABLE' });
    expect(await world.blobs.list()).toEqual([]);
  });

  it.each([
    ['before its answer', () => Buffer.alloc(0)],
    ['in the headers', () => Buffer.from('HTTP/1.1 200 OK\r\ncontent-')],
    ['in the body', () => headOf(200, { 'content-length': 10 })],
  ])(
    'gives up a server that falls silent %s',
    async (_, said) => {
      const server = await servers.tcp((socket) => void socket.write(said()));
      await expect(world.fetch(server.url)).rejects.toMatchObject({
        code: 'ERR_TRANSFER_UNREACHABLE',
        message: expect.stringContaining('silent') as unknown,
      });
    },
    20_000,
  );

  it('does not ask a server again whose certificate is not to be trusted', async () => {
    let connections = 0;
    const server = await servers.untrusted(() => (connections += 1));
    await expect(world.fetch(server.url)).rejects.toMatchObject({
      code: 'ERR_TRANSFER_CERTIFICATE',
      message: expect.stringContaining('self-signed certificate') as unknown,
    });
    expect(connections).toBe(1);
  });

  it('gives up a server that is not there, one that talks nonsense, and a name that nobody knows', async () => {
    const nonsense = await servers.tcp((socket) => socket.end('SSH-2.0-OpenSSH_9\r\n'));
    for (const url of ['http://127.0.0.1:1/', nonsense.url]) {
      await expect(world.fetch(url)).rejects.toMatchObject({ code: 'ERR_TRANSFER_UNREACHABLE' });
    }
    await expect(world.fetch('http://nowhere.example/')).rejects.toMatchObject({
      code: 'ERR_TRANSFER_UNREACHABLE',
    });
  });

  it.each([
    'ftp://host/x',
    'file:///etc/passwd',
    'nonsense',
    'hash:sha3:abcd:http://h/',
    `http://h/#sha256:ab`,
  ])('refuses %s', async (url) => {
    await expect(world.fetch(url)).rejects.toMatchObject({ code: 'ERR_TRANSFER_URL' });
  });

  it('keeps passwords and queries out of what it says', async () => {
    const server = await servers.http((_, response) => response.writeHead(401).end());
    const error = await world
      .fetch(`http://user:secret@127.0.0.1:${server.port}/x?token=secret`)
      .catch(String);
    expect(error).not.toContain('secret');
    expect(server.requests[0]?.headers.authorization).toMatch(/^Basic /);
  });
});

function headOf(status: number, headers: Record<string, string | number>): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} x\r\nconnection: close\r\n${lines.join('')}\r\n`);
}
