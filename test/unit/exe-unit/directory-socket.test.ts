import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connectIn } from '../../../src/exe-unit/socket/directory-socket.ts';

/** Listens, and is then too busy to accept anybody. */
const BUSY = `
  require('node:net').createServer().listen(process.argv[1], () => {
    require('node:fs').writeSync(1, 'listening');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

it('survives a listener that dies before it has accepted the connection', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ergon-socket-'));
  const listener = spawn(process.execPath, ['-e', BUSY, join(directory, 'sock')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(listener.stdout, 'data');
    const socket = await connectIn(directory);
    // No listener of its own yet: an unhandled error would fail the run.
    listener.kill('SIGKILL');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(socket.destroyed).toBe(true);
  } finally {
    listener.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
});
