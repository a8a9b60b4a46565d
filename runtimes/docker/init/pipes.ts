import { execFile } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { closeSync, constants, openSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { RuntimeError } from '../../errors.ts';
import { BINARIES } from './binaries.ts';

const run = promisify(execFile);

const INIT_FILE = 'init';
export const CONTROL = 'control';
export const EVENTS = 'events';
export const STREAMS = { stdin: 'stdin', stdout: 'stdout', stderr: 'stderr' } as const;

/** Any user: the container's is none of ours. The directories above are closed to everybody else. */
const OPEN_TO_GUEST = 0o666;
const CLOSED = 0o600;

/** Fills the directory that the container sees as `/.ergon`: anew, whatever an earlier attempt left there. */
export async function makeGuestDirectory(directory: string): Promise<void> {
  const binary = BINARIES[process.arch];
  if (binary === undefined)
    throw new RuntimeError('ERR_RUNTIME_UNAVAILABLE', `There is no container init for ${process.arch}`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o755 });
  await chmod(directory, 0o755);
  const init = path.join(directory, INIT_FILE);
  await writeFile(init, gunzipSync(Buffer.from(binary.join(''), 'base64')));
  await chmod(init, 0o555);
  const pipes = [CONTROL, EVENTS, ...Object.values(STREAMS)].map((name) => path.join(directory, name));
  await run('mkfifo', ['-m', OPEN_TO_GUEST.toString(8), ...pipes]);
}

/** Whether the guest may open the two pipes of its init: only until init has them. */
export async function openControl(directory: string, isOpen: boolean): Promise<void> {
  const mode = isOpen ? OPEN_TO_GUEST : CLOSED;
  await chmod(path.join(directory, CONTROL), mode);
  await chmod(path.join(directory, EVENTS), mode);
}

/** The end of a pipe that is read; there need be nobody at the other one. */
export function openReader(directory: string, name: string): number {
  return openSync(
    path.join(directory, name),
    constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW,
  );
}

/** Both ends: it neither ends nor fails while nobody else has it open. */
export function openBoth(directory: string, name: string): number {
  return openSync(path.join(directory, name), constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
}

/** The end that is written. @throws ENXIO when nobody has it open for reading */
export function openWriter(directory: string, name: string): number {
  return openSync(
    path.join(directory, name),
    constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW,
  );
}

/** The end of a pipe that is read from, as a stream that closes it. */
export function readableOf(fd: number): net.Socket {
  return new net.Socket({ fd, readable: true, writable: false });
}

/** The end of a pipe that is written to, as a stream that closes it. */
export function writableOf(fd: number): net.Socket {
  return new net.Socket({ fd, readable: false, writable: true });
}

/** Closes a descriptor that may be closed already. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed already.
  }
}
