import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gftpProgram } from '../../../src/cli/gftp/program.ts';
import { yagnaWorld, type YagnaWorld } from '../api/yagna/support/yagna-world.ts';
import { terminal } from './support/terminal.ts';

let world: YagnaWorld;
let url: string;
let dir: string;
beforeEach(async () => {
  world = await yagnaWorld();
  url = await world.app.listen({ host: '127.0.0.1', port: 0 });
  dir = await mkdtemp(join(tmpdir(), 'ergon-gftp-'));
});
afterEach(async () => {
  await world.stop();
  await rm(dir, { recursive: true });
});

const environment = () => ({ apiUrl: url, appKey: 'key-admin' });

/** One command line, run to its end. */
async function gftp(...argv: string[]) {
  const screen = terminal({ environment: environment() });
  let status = 0;
  await gftpProgram(screen.io, (own) => (status = own)).parseAsync(argv, { from: 'user' });
  return { status, told: JSON.parse(screen.stdout.text) as { result: unknown; error: { message: string } } };
}

/** A `gftp server`, as a program has it as its child. */
class Server {
  readonly #screen = terminal({ environment: environment() });
  // Of a terminal without input of its own it is a pass-through.
  readonly #stdin = this.#screen.io.stdin as unknown as Writable;
  readonly ended: Promise<unknown>;
  #told = 0;
  #id = 0;

  constructor() {
    this.ended = gftpProgram(this.#screen.io, () => undefined).parseAsync(['server'], { from: 'user' });
  }

  async line(text: string): Promise<unknown> {
    this.#told += 1;
    this.#stdin.write(`${text}\n`);
    for (;;) {
      const lines = this.#screen.stdout.text.split('\n').slice(0, -1);
      if (lines.length >= this.#told) return JSON.parse(lines[this.#told - 1]!);
      await new Promise((resolve) => this.#screen.stdout.once('wrote', resolve));
    }
  }

  async call<T>(method: string, params: object = {}): Promise<T> {
    this.#id += 1;
    const answer = await this.line(JSON.stringify({ jsonrpc: '2.0', id: this.#id, method, params }));
    expect(answer).toMatchObject({ jsonrpc: '2.0', id: this.#id });
    expect(answer).not.toHaveProperty('error');
    return (answer as { result: T }).result;
  }

  async publish(path: string): Promise<string> {
    return (await this.call<{ url: string }[]>('publish', { files: [path] }))[0]!.url;
  }

  async stop(): Promise<void> {
    this.#stdin.end();
    await this.ended;
  }
}

describe('gftp server', () => {
  test('publishes and receives files of any size, each under a URL of its own', async () => {
    const [one, other] = [new Server(), new Server()];
    for (const size of [0, 1, 40_960, 40_961, 3_000_000]) {
      const source = join(dir, `source-${size}`);
      const bytes = randomBytes(size);
      await writeFile(source, bytes);
      const published = await one.publish(source);
      expect(published).toMatch(/^gftp:\/\/0x[0-9a-f]{40}\/[0-9a-f]{64}$/);
      const down = join(dir, `down-${size}`);
      expect(await other.call('download', { url: published, output_file: down })).toEqual({
        file: down,
        url: published,
      });
      expect((await readFile(down)).equals(bytes)).toBe(true);

      const up = join(dir, `up-${size}`);
      const waiting = await one.call<{ url: string }>('receive', { output_file: up });
      expect(await other.call('upload', { url: waiting.url, file: source })).toEqual({
        file: source,
        url: waiting.url,
      });
      expect((await readFile(up)).equals(bytes)).toBe(true);
    }
    await Promise.all([one.stop(), other.stop()]);
    expect((await readdir(dir)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('keeps what is published until it is closed or the server ends, and says so when it is not there', async () => {
    const [one, other] = [new Server(), new Server()];
    const path = join(dir, 'file');
    await writeFile(path, 'content');
    const published = await one.publish(path);
    const again = () => gftp('download', published, join(dir, 'down'));
    expect((await again()).status).toBe(0);
    expect((await again()).status).toBe(0);
    expect(await one.call('close', { urls: [published, `${published.slice(0, -4)}beef`] })).toEqual([
      'ok',
      'error',
    ]);
    expect(await one.call('close', { urls: [published] })).toEqual(['error']);
    await other.publish(path);
    expect((await again()).status).toBe(0);
    await Promise.all([one.stop(), other.stop()]);
  });

  test('what is published again, also from elsewhere, goes on to whoever reads it', async () => {
    const one = new Server();
    const bytes = randomBytes(16_000_000);
    const [first, copy] = [join(dir, 'first'), join(dir, 'copy')];
    await Promise.all([first, copy].map((path) => writeFile(path, bytes)));
    const publish = { jsonrpc: '2.0', id: 1, method: 'publish', params: { files: [first] } };
    const both = (await one.line(JSON.stringify([publish, publish]))) as { result: { url: string }[] }[];
    const [published, again] = both.map(({ result }) => result[0]!.url);
    expect(again).toBe(published);
    const reply = await fetch(`${url}/gsb-api/v1/${published!.replace('://', '/')}`, {
      headers: { authorization: 'Bearer key-admin' },
    });
    const parts: Uint8Array[] = [];
    for await (const part of reply.body!) {
      parts.push(part);
      if (parts.length > 1) continue;
      expect(await one.publish(copy)).toBe(published);
    }
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    await rm(first);
    expect((await gftp('download', published!, join(dir, 'down'))).status).toBe(0);
    await one.stop();
  });

  test('goes on to whoever reads it when one of two that publish it ends', async () => {
    const [one, other] = [new Server(), new Server()];
    const path = join(dir, 'file');
    await writeFile(path, randomBytes(16_000_000));
    const published = await one.publish(path);
    await other.publish(path);
    const reply = await fetch(`${url}/gsb-api/v1/${published.replace('://', '/')}`, {
      headers: { authorization: 'Bearer key-admin' },
    });
    const parts: Uint8Array[] = [];
    for await (const part of reply.body!) if (parts.push(part) === 1) await other.stop();
    expect(Buffer.concat(parts).equals(await readFile(path))).toBe(true);
    await one.stop();
  });

  test('serves no other content than what it has named', async () => {
    const one = new Server();
    const path = join(dir, 'file');
    await writeFile(path, 'content');
    const published = await one.publish(path);
    await writeFile(path, 'changed');
    const { status, told } = await gftp('download', published, join(dir, 'down'));
    expect(status).not.toBe(0);
    expect(told.error.message).toMatch(/SHA-3|terminated|changed/);
    expect(await readdir(dir)).toEqual(['file']);
    await one.stop();
  });

  test('speaks JSON-RPC 2.0: versions, lists, notifications and every kind of error', async () => {
    const server = new Server();
    // What clients read for a release of Yagna's: by its first word they decide what it can do.
    expect(await server.call('version')).toMatch(/^0\.17\.\d+ \(gftp \d+\.\d+\.\d+ /);
    expect(await server.line('{"jsonrpc":"2.0","id":"a","method":"version","params":null}')).toMatchObject({
      id: 'a',
    });
    const error = (code: number, id: unknown = null) => ({
      jsonrpc: '2.0',
      id,
      error: { code, message: expect.any(String) as string },
    });
    expect(await server.line('no json')).toEqual(error(-32700));
    expect(await server.line('{"id":5}')).toEqual(error(-32600, 5));
    expect(await server.line('{"jsonrpc":"1.0","id":5,"method":"version"}')).toEqual(error(-32600, 5));
    expect(await server.line('[]')).toEqual(error(-32600));
    expect(await server.line('{"jsonrpc":"2.0","id":6,"method":"toString"}')).toEqual(error(-32601, 6));
    expect(await server.line('{"jsonrpc":"2.0","id":7,"method":"publish","params":{"files":"x"}}')).toEqual(
      error(-32602, 7),
    );
    expect(
      await server.line('{"jsonrpc":"2.0","id":8,"method":"publish","params":{"files":["/nowhere"]}}'),
    ).toEqual(error(-32000, 8));
    expect(
      await server.line(`{"jsonrpc":"2.0","id":9,"method":"publish","params":{"files":["${dir}"]}}`),
    ).toEqual(error(-32000, 9));
    expect(
      await server.line(
        '[{"jsonrpc":"2.0","id":1,"method":"version"},{"jsonrpc":"2.0","method":"version"},3,{"jsonrpc":"2.0","id":2,"method":"close","params":{"urls":["x"]}}]',
      ),
    ).toEqual([
      { jsonrpc: '2.0', id: 1, result: expect.any(String) as string },
      error(-32600),
      error(-32000, 2),
    ]);
    expect(await server.call('shutdown')).toBe('ok');
    await server.ended;
  });
});

describe('gftp by hand', () => {
  test('receives one file and ends; publishes until Ctrl-C', async () => {
    const source = join(dir, 'source');
    await writeFile(source, 'by hand');
    const screen = terminal({ environment: environment() });
    const publishing = gftpProgram(screen.io, () => undefined).parseAsync(['publish', source], {
      from: 'user',
    });
    await screen.interrupt();
    await publishing;
    expect(JSON.parse(screen.stdout.text)).toMatchObject({ result: [{ file: source }] });

    const waiting = terminal({ environment: environment() });
    const up = join(dir, 'up');
    const receiving = gftpProgram(waiting.io, () => undefined).parseAsync(['receive', up], { from: 'user' });
    await new Promise((resolve) => waiting.stdout.once('wrote', resolve));
    const { result } = JSON.parse(waiting.stdout.text) as { result: { url: string } };
    expect((await gftp('upload', source, result.url)).status).toBe(0);
    await receiving;
    expect(await readFile(up, 'utf8')).toBe('by hand');
  });

  test('fails with an answer and a status', async () => {
    expect(await gftp('publish', join(dir, 'nothing'))).toMatchObject({
      status: 1,
      told: { error: { code: -32000 } },
    });
    expect((await gftp('download', 'http://x/y', join(dir, 'd'))).told.error.message).toContain('gftp://0x');
    const elsewhere = `gftp://0x${'1'.repeat(40)}/${'a'.repeat(64)}`;
    expect((await gftp('download', elsewhere, join(dir, 'd'))).told.error.message).toContain(
      'not at this one',
    );
  });
});
