import fs from 'node:fs';
import { writeStream } from '../host/streams.ts';
import { RUNNER_FD, type Order, type Report } from './protocol.ts';

const CHUNK_BYTES = 65_536;
const NEWLINE = 0x0a;

/** The runner's end of the channel, blocking: there is nothing else for it to do while it waits. */
export class Channel {
  #pending = Buffer.alloc(0);

  /** The next order; undefined when the supervisor has gone. */
  receive(): Order | undefined {
    for (;;) {
      const end = this.#pending.indexOf(NEWLINE);
      if (end !== -1) {
        const line = this.#pending.toString('utf8', 0, end);
        this.#pending = this.#pending.subarray(end + 1);
        // The supervisor is trusted: it is the one that confines us.
        return JSON.parse(line) as Order;
      }
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const length = fs.readSync(RUNNER_FD.ORDERS, chunk);
      if (length === 0) return undefined;
      this.#pending = Buffer.concat([this.#pending, chunk.subarray(0, length)]);
    }
  }

  report(report: Report): void {
    writeStream(RUNNER_FD.REPORTS, Buffer.from(`${JSON.stringify(report)}\n`));
  }
}
