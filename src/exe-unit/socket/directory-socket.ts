import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { createConnection, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { O_PATH } from '../../util/safe-path.ts';

/** The socket's name in its directory; it is there from the moment somebody listens. */
export const SOCKET_NAME = 'sock';

/*
 * A unix socket's address has room for 107 bytes, and work directories lie deep. So the socket is addressed through
 * a descriptor of its directory, which is short wherever that is, and stays true when the directory is renamed.
 * The directory's mode (0700) keeps others out.
 */

/** Makes `server` listen in the directory; the returned function removes the socket. */
export async function listenIn(server: Server, directory: string): Promise<() => Promise<void>> {
  const handle = await open(directory, O_PATH | constants.O_DIRECTORY);
  await rm(join(directory, SOCKET_NAME), { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`/proc/self/fd/${handle.fd}/${SOCKET_NAME}`, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return async () => {
    await new Promise((resolve) => server.close(resolve));
    await handle.close();
  };
}

/** Connects to whoever listens in the directory. */
export async function connectIn(directory: string, { allowHalfOpen = false } = {}): Promise<Socket> {
  const handle = await open(directory, O_PATH | constants.O_DIRECTORY);
  try {
    return await new Promise((resolve, reject) => {
      const socket = createConnection({
        path: `/proc/self/fd/${handle.fd}/${SOCKET_NAME}`,
        allowHalfOpen,
      });
      // For good: whoever listens may die before the caller has a listener of its own.
      socket.on('error', reject);
      socket.once('connect', () => resolve(socket));
    });
  } finally {
    await handle.close();
  }
}
