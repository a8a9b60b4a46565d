import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ENGINE = '/var/run/docker.sock';
const REQUEST = /^(?:GET|HEAD|POST|DELETE) \S+(?= HTTP\/1\.1\r\n)/;

/** Stands between a runtime and the engine, passes everything on, and knows what was asked. */
export class EngineTap {
  /** Such as `POST /v1.41/containers/create?name=x`. */
  readonly asked: string[] = [];
  /** Replies to these break off when they have begun. */
  breaksOff: (request: string) => boolean = () => false;
  readonly #directory = mkdtempSync(join(tmpdir(), 'ergon-tap-'));
  readonly socketPath = join(this.#directory, 'docker.sock');
  readonly #server: Server = createServer((client) => this.#serve(client));
  readonly #sockets = new Set<Socket>();

  async start(): Promise<this> {
    this.#server.listen(this.socketPath);
    await once(this.#server, 'listening');
    return this;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#directory, { recursive: true });
  }

  /** How many requests were so. */
  count(request: RegExp): number {
    return this.asked.filter((one) => request.test(one)).length;
  }

  #serve(client: Socket): void {
    const engine = connect(ENGINE);
    let request = '';
    for (const socket of [client, engine]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        engine.destroy();
        this.#sockets.delete(socket);
      });
    }
    client.on('data', (chunk) => {
      const begun = REQUEST.exec(chunk.toString('latin1'))?.[0];
      if (begun !== undefined) this.asked.push((request = begun));
    });
    client.pipe(engine);
    engine.on('data', (chunk) => {
      if (!this.breaksOff(request)) client.write(chunk);
      else client.write(chunk.subarray(0, chunk.length / 2), () => engine.destroy());
    });
  }
}
