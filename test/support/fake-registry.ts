import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/** A registry with one image of one layer, as much of one as a pull needs. */
export class FakeRegistry {
  readonly digest: string;
  readonly #blobs = new Map<string, { type: string; bytes: Buffer }>();
  readonly #server: Server;
  pulls = 0;

  constructor(layer: Buffer) {
    const packed = gzipSync(layer);
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'x64' ? 'amd64' : 'arm64',
        os: 'linux',
        config: { Env: ['FROM_IMAGE=yes'] },
        rootfs: { type: 'layers', diff_ids: [sha256(layer)] },
      }),
    );
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: this.#add('application/vnd.docker.container.image.v1+json', config),
      layers: [this.#add('application/vnd.docker.image.rootfs.diff.tar.gzip', packed)],
    };
    this.digest = this.#add(MANIFEST, Buffer.from(JSON.stringify(manifest))).digest;
    this.#server = createServer((request, response) => {
      const [, digest] = /\/(?:manifests|blobs)\/(sha256:[0-9a-f]{64})$/.exec(request.url ?? '') ?? [];
      const blob = this.#blobs.get(digest ?? '');
      if (blob?.type === MANIFEST) this.pulls += 1;
      response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
      if (blob === undefined) response.writeHead(request.url === '/v2/' ? 200 : 404).end();
      else {
        const headers = { 'Content-Type': blob.type, 'Content-Length': blob.bytes.length };
        response.writeHead(200, { ...headers, 'Docker-Content-Digest': digest });
        response.end(request.method === 'HEAD' ? undefined : blob.bytes);
      }
    });
  }

  /** @returns `host:port` */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #add(type: string, bytes: Buffer): { mediaType: string; size: number; digest: string } {
    const digest = sha256(bytes);
    this.#blobs.set(digest, { type, bytes });
    return { mediaType: type, size: bytes.length, digest };
  }
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
