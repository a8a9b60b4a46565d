import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { yagnaWorld, type YagnaWorld } from './support/yagna-world.ts';

let world: YagnaWorld;
let url: string;
beforeAll(async () => {
  world = await yagnaWorld();
  url = await world.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => world.stop());

/** The status of the answer to a page that opens a websocket. */
async function open(origin: string | undefined, key = 'key-page'): Promise<number> {
  const services = await world.request(
    'POST',
    '/gsb-api/v1/services',
    {
      listen: { on: '/public/gftp/x', components: ['GetMetadata'] },
    },
    key,
  );
  const { servicesId } = services.json<{ servicesId: string }>();
  const address = `${url.replace(/^http/, 'ws')}/gsb-api/v1/services/${servicesId}?authToken=${key}`;
  const socket = new WebSocket(address, 'gsb+flexbuffers', { ...(origin !== undefined && { origin }) });
  return new Promise((resolve) => {
    socket.on('open', () => {
      resolve(101);
      socket.close();
    });
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    socket.on('error', () => undefined);
  });
}

it('lets a page open a websocket where its key may be used, and programs that are no page', async () => {
  expect(await open('https://app.example.com')).toBe(101);
  expect(await open(undefined)).toBe(101);
  expect(await open(url)).toBe(101);
});

it('refuses a page of another site', async () => {
  expect(await open('https://elsewhere.example.com')).toBe(403);
  expect(await open('https://app.example.com', 'key-requestor')).toBe(403);
});

it('says so in the words of Yagna', async () => {
  const answer = await world.app.inject({
    method: 'GET',
    url: '/me',
    headers: { origin: 'https://elsewhere.example.com', authorization: 'Bearer key-page' },
  });
  expect(answer.statusCode).toBe(403);
  expect(answer.json()).toEqual({ message: expect.stringContaining('elsewhere') as string });
});
