import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeFlexbuffer, encodeFlexbuffer } from '../../../../src/util/flexbuffers.ts';
import { yagnaWorld, type YagnaWorld } from './support/yagna-world.ts';

let world: YagnaWorld;
let url: string;
beforeEach(async () => {
  world = await yagnaWorld();
  url = await world.app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => world.stop());

interface Call {
  readonly id: string;
  readonly component: string;
  readonly payload: { readonly offset: number; readonly size: number };
}

const me = async (): Promise<string> =>
  (await world.request('GET', '/me')).json<{ identity: string }>().identity;

async function bind(id: string): Promise<string> {
  const body = { listen: { on: `/public/gftp/${id}`, components: ['GetMetadata', 'GetChunk'] } };
  return (await world.request('POST', '/gsb-api/v1/services', body)).json<{ servicesId: string }>()
    .servicesId;
}

/** A client's socket; `answer` is given what the daemon asks. */
function connect(servicesId: string, answer: (call: Call, socket: WebSocket) => unknown): WebSocket {
  const address = `${url.replace('http', 'ws')}/gsb-api/v1/services/${servicesId}?authToken=key-admin`;
  const socket = new WebSocket(address, 'gsb+flexbuffers');
  socket.on('message', (data) => {
    const call = decodeFlexbuffer(data as Buffer) as Call;
    const payload = answer(call, socket);
    if (payload !== undefined) socket.send(encodeFlexbuffer({ id: call.id, payload }));
  });
  return socket;
}

const serve =
  (bytes: Buffer) =>
  ({ component, payload: { offset, size } }: Call) =>
    component === 'GetMetadata'
      ? { fileSize: bytes.length }
      : { offset, content: new Uint8Array(bytes.subarray(offset, offset + size)) };

const get = async (id: string) => world.request('GET', `/gsb-api/v1/gftp/${await me()}/${id}`);

describe("files over clients' websockets", () => {
  it('come from many clients at once, whole and each its own', async () => {
    const files = Array.from({ length: 20 }, (_, at) => randomBytes(at * 30_011));
    const sockets = await Promise.all(
      files.map(async (bytes, at) => connect(await bind(`file-${at}`), serve(bytes))),
    );
    const got = await Promise.all(files.map((_, at) => get(`file-${at}`)));
    expect(got.every(({ rawPayload }, at) => rawPayload.equals(files[at]!))).toBe(true);
    for (const socket of sockets) socket.close();
  });

  it('are waited for, when a script comes before its client', async () => {
    const coming = get('late');
    connect(await bind('late'), serve(Buffer.from('here')));
    expect((await coming).payload).toBe('here');
  });

  it('fail at once, and say why, when the client vanishes in the middle', async () => {
    const bytes = randomBytes(1_000_000);
    connect(await bind('gone'), (call, socket) => {
      if (call.payload.offset > 400_000) socket.terminate();
      return serve(bytes)(call);
    });
    // The answer has begun: it breaks off, so that nobody takes it for the whole file.
    await expect(
      fetch(`${url}/gsb-api/v1/gftp/${await me()}/gone`, {
        headers: { authorization: 'Bearer key-admin' },
      }).then((answer) => answer.arrayBuffer()),
    ).rejects.toThrow('terminated');
    connect(await bind('gone-early'), (_call, socket) => socket.terminate());
    const early = await get('gone-early');
    expect(early.statusCode).toBe(400);
    expect(early.json()).toEqual({
      message: "The client's file /public/gftp/gone-early cannot be used: the client has gone",
    });
  });

  it('are refused when a client answers nonsense, or has less than it says', async () => {
    const mallory: Record<string, (call: Call) => unknown> = {
      'no-size': () => ({}),
      'too-short': (call) =>
        call.component === 'GetMetadata' ? { fileSize: 10 } : { offset: 0, content: [1] },
      'too-large': () => ({ fileSize: 2 ** 50 }),
      error: () => undefined,
    };
    for (const [id, answer] of Object.entries(mallory)) {
      connect(await bind(id), (call, socket) => {
        if (id === 'error') socket.send(encodeFlexbuffer({ id: call.id, error: 'the disk is on fire' }));
        return answer(call);
      });
      const got = await get(id);
      expect(got.statusCode, id).toBe(400);
      if (id === 'error') expect(got.json<{ message: string }>().message).toContain('the disk is on fire');
    }
  });
});
