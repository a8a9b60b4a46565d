import fs from 'node:fs';
import { codeOf } from './errno.ts';
import { sleepMs } from './time.ts';

/*
 * stdin, stdout and stderr, byte for byte and without a buffer of ours. They block, which is the back-pressure.
 * What a caller hands down may be set not to block; then a short nap stands for poll.
 */

const NAP_MS = 1;

/** One read of what is there; waits when nothing is. 0 at the end. */
export function readStream(hostFd: number, into: Uint8Array): number {
  return untilReady(() => fs.readSync(hostFd, into));
}

/** Writes all of it. */
export function writeStream(hostFd: number, bytes: Uint8Array): number {
  let done = 0;
  while (done < bytes.length) done += untilReady(() => fs.writeSync(hostFd, bytes, done));
  return done;
}

function untilReady(io: () => number): number {
  for (;;) {
    try {
      return io();
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
      sleepMs(NAP_MS);
    }
  }
}
