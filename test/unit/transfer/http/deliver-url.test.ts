import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { UrlDelivery } from '../../../../src/interface/index.ts';
import { localServers } from '../../../support/http-server.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { urlWorld, type UrlWorld } from './world.ts';

const folder = temporaryFolder();
const servers = localServers();
const CONTENT = randomBytes(3_000_000);

let world: UrlWorld;
beforeEach(async () => {
  world = await urlWorld(folder());
  writeFileSync(join(folder(), 'file'), CONTENT);
});

const deliver = (url: string, overrides: Partial<UrlDelivery> = {}): Promise<void> =>
  world.urls.deliver({
    url,
    path: join(folder(), 'file'),
    sizeBytes: CONTENT.length,
    signal: new AbortController().signal,
    ...overrides,
  });

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('delivering to a URL', () => {
  it('puts the whole file there', async () => {
    let received: Buffer | undefined;
    const server = await servers.http((request, response) => {
      void bodyOf(request).then((body) => {
        received = body;
        response.writeHead(201).end('thanks');
      });
    });
    const progress: number[] = [];
    await deliver(`${server.url}/bucket/key`, { onProgress: (done, total) => progress.push(done, total) });
    expect(received?.equals(CONTENT)).toBe(true);
    expect(server.requests[0]).toMatchObject({ method: 'PUT', url: '/bucket/key' });
    expect(server.requests[0]?.headers['content-length']).toBe(String(CONTENT.length));
    expect(progress.slice(-2)).toEqual([CONTENT.length, CONTENT.length]);
  });

  it.each([403, 404, 301, 302])(
    'is an error when the server answers %i, also before it has it all',
    async (status) => {
      const server = await servers.refusing((_, response) =>
        response.writeHead(status, { location: '/else' }).end('no'),
      );
      await expect(deliver(server.url)).rejects.toMatchObject({
        code: 'ERR_TRANSFER_HTTP_STATUS',
        detail: { status },
      });
      expect(server.requests).toHaveLength(1);
    },
  );

  it('follows redirects that keep the body, and repeats after trouble', async () => {
    const bodies: number[] = [];
    const target = await servers.http((request, response) => {
      void bodyOf(request).then(
        (body) => {
          bodies.push(body.length);
          response.writeHead(bodies.length === 1 ? 503 : 200).end();
        },
        () => undefined,
      );
    });
    const server = await servers.refusing((request, response) => {
      request.resume();
      response.writeHead(307, { location: `${target.url}/there` }).end();
    });
    await deliver(server.url);
    expect(bodies).toEqual([CONTENT.length, CONTENT.length]);
  });

  it('repeats when the connection breaks, and gives up in the end', async () => {
    let connections = 0;
    const server = await servers.tcp((socket, _, connection) => {
      connections = connection;
      socket.destroy();
    });
    await expect(deliver(server.url)).rejects.toMatchObject({ code: 'ERR_TRANSFER_UNREACHABLE' });
    expect(connections).toBe(5);
  });

  it('gives up a server that takes nothing and says nothing', async () => {
    const server = await servers.tcp((socket) => void socket.pause());
    await expect(deliver(server.url)).rejects.toMatchObject({
      code: 'ERR_TRANSFER_UNREACHABLE',
      message: expect.stringContaining('silent') as unknown,
    });
  });

  it('stops when it is given up', async () => {
    const controller = new AbortController();
    const server = await servers.http((request) => {
      request.resume();
      controller.abort(new Error('enough'));
    });
    await expect(deliver(server.url, { signal: controller.signal })).rejects.toThrow('enough');
  });
});
