import type { Channel } from './channel.ts';
import type { Report } from './protocol.ts';

/** Tells the supervisor what changes all the time, but not at every change. */
export class LatestReport {
  readonly #channel: Pick<Channel, 'report'>;
  readonly #intervalMs: number;
  #latest: Report | undefined;
  #reportedAt = -Infinity;

  constructor(channel: Pick<Channel, 'report'>, intervalMs: number) {
    this.#channel = channel;
    this.#intervalMs = intervalMs;
  }

  changed(report: Report): void {
    this.#latest = report;
    if (performance.now() - this.#reportedAt >= this.#intervalMs) this.flush();
  }

  flush(): void {
    if (this.#latest !== undefined) this.#channel.report(this.#latest);
    this.#latest = undefined;
    this.#reportedAt = performance.now();
  }
}
