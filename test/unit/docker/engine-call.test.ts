import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callEngine, isRefusal } from '../../../runtimes/docker/engine/call.ts';
import { Engine } from '../../../runtimes/docker/engine/engine.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const ID = 'a'.repeat(64);
const unreachable = { code: 'ERR_RUNTIME_ENGINE_UNREACHABLE' };

describe('a call to the engine', () => {
  let directory: string;
  let server: Server;
  let answer: (socket: Socket, request: string) => void;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'ergon-fake-engine-'));
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => answer(socket, bytes.toString()));
    });
    await new Promise<void>((resolve) => server.listen(join(directory, 'socket'), resolve));
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const engine = (patienceMs = 0): Engine =>
    new Engine({ socketPath: join(directory, 'socket'), patienceMs }, { clock: systemClock() });
  const reply = (status: number, body: string): string =>
    `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  it('fails as unreachable when the reply breaks off, or none comes', async () => {
    const clock = new FakeClock();
    const asked = Promise.withResolvers<undefined>();
    answer = (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"Id":', () => asked.resolve(undefined));
    const broken = new Engine({ socketPath: join(directory, 'socket'), patienceMs: 0 }, { clock });
    const hanging = broken.inspectContainer(ID);
    hanging.catch(() => undefined);
    await asked.promise;
    await clock.advance(15_000);
    await expect(hanging).rejects.toMatchObject(unreachable);
    answer = (socket) => socket.destroy();
    await expect(engine().inspectContainer(ID)).rejects.toMatchObject(unreachable);
    answer = (socket) => void socket.write(reply(503, '{"message":"starting"}'));
    await expect(engine().inspectContainer(ID)).rejects.toMatchObject(unreachable);
  });

  it('breaks the request off at its deadline', async () => {
    const clock = new FakeClock();
    let signal: AbortSignal | undefined;
    const call = callEngine(clock, { what: 'answer', timeoutMs: 5000, patienceMs: 0 }, (given) => {
      signal = given;
      return new Promise(() => undefined);
    });
    call.catch(() => undefined);
    await clock.advance(4999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    await expect(call).rejects.toMatchObject(unreachable);
    expect(signal?.aborted).toBe(true);
  });

  it('is made again while its patience lasts, and never after an answer', async () => {
    let calls = 0;
    answer = (socket) => {
      calls += 1;
      if (calls < 3) socket.destroy();
      else socket.write(reply(500, '{"message":"no"}'));
    };
    const refused = await engine(10_000)
      .inspectContainer(ID)
      .catch((error: unknown) => error);
    expect(isRefusal(refused, 500)).toBe(true);
    expect(calls).toBe(3);
  });

  it('says gone only when the engine says so', async () => {
    answer = (socket) => void socket.write(reply(404, '{"message":"no such container"}'));
    expect(await engine().inspectContainer(ID)).toBeUndefined();
    expect(await engine().removeContainer(ID)).toBe(true);
    answer = (socket) => void socket.write(reply(409, '{"message":"removal is in progress"}'));
    expect(await engine().removeContainer(ID)).toBe(false);
  });

  it('does not believe an answer that makes no sense', async () => {
    answer = (socket) => void socket.write(reply(200, '{"Id":"../../etc","State":"running"}'));
    await expect(engine().inspectContainer(ID)).rejects.toMatchObject({ code: 'ERR_CHECK_INVALID' });
  });
});
