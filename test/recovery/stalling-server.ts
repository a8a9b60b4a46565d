import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface File {
  readonly bytes: Uint8Array;
  released: boolean;
  asked: boolean;
  readonly waiting: Set<ServerResponse>;
}

/** Serves each file to its half, and the rest once it is released: whoever fetches it stays at that for so long. */
export class StallingServer {
  readonly #files = new Map<string, File>();
  readonly #server: Server = createServer((request, response) => this.#answer(request.url ?? '', response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  serve(name: string, bytes: Uint8Array): string {
    this.#files.set(`/${name}`, { bytes, released: false, asked: false, waiting: new Set() });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${name}`;
  }

  isAsked(name: string): boolean {
    return this.#files.get(`/${name}`)?.asked === true;
  }

  release(name: string): void {
    const file = this.#files.get(`/${name}`);
    if (file === undefined) return;
    file.released = true;
    for (const response of file.waiting) response.end(file.bytes.subarray(file.bytes.length >> 1));
    file.waiting.clear();
  }

  #answer(url: string, response: ServerResponse): void {
    const file = this.#files.get(url);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    file.asked = true;
    response.writeHead(200, { 'content-length': file.bytes.length });
    if (file.released) {
      response.end(file.bytes);
      return;
    }
    response.write(file.bytes.subarray(0, file.bytes.length >> 1));
    file.waiting.add(response);
    response.on('close', () => file.waiting.delete(response));
  }
}
