// One file, served in two ways: as a blob of a node of ours, and to whoever connects over bare TCP.
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { blobServer, ChunkLists } from '../../src/transfer/index.ts';
import { ready } from '../support/child.ts';
import { localNetwork } from '../support/local-network.ts';

const [, , path = ''] = process.argv;
const { network } = localNetwork();
const chunkLists = new ChunkLists(await mkdtemp(join(dirname(path), 'chunks-')));
network.serveBlobs(blobServer({ allow: async () => path }, { chunkLists }));
await network.start();

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  createReadStream(path, { highWaterMark: 1 << 20 }).pipe(socket);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
ready({ peerId: network.peerId, multiaddrs: network.multiaddrs(), port });
