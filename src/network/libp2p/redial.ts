import type { Multiaddr } from '@multiformats/multiaddr';
import type { Clock } from '../../interface/clock.ts';
import type { Logger } from '../../interface/logger.ts';
import { backoffMs } from '../../util/backoff.ts';

/** The part of a libp2p node that redialling needs. */
export interface Dialler {
  /** Dials, or finds the connection that is there; returns the PeerId. */
  dial(address: Multiaddr, signal: AbortSignal): Promise<string>;
  isConnected(peerId: string): boolean;
}

interface Components {
  readonly dialler: Dialler;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

const BACKOFF = { firstMs: 1000, maxMs: 60_000 };

/** Keeps one bootstrap peer connected: dials until it answers, and again whenever the connection is lost. */
export class Redial {
  readonly #address: Multiaddr;
  readonly #components: Components;
  readonly #stopped = new AbortController();
  #peerId: string | undefined;
  #attempt = 0;
  #cancelTimer: (() => void) | undefined;
  #dialling: Promise<void> | undefined;

  constructor(address: Multiaddr, components: Components) {
    this.#address = address;
    this.#components = components;
  }

  start(): void {
    this.#dial();
  }

  /** A peer's last connection is gone. */
  peerLost(peerId: string): void {
    if (peerId === this.#peerId && !this.#stopped.signal.aborted) this.#later();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#cancelTimer?.();
    await this.#dialling;
  }

  #dial(): void {
    this.#cancelTimer = undefined;
    this.#dialling ??= this.#attemptOnce().finally(() => {
      this.#dialling = undefined;
    });
  }

  async #attemptOnce(): Promise<void> {
    const { dialler, logger } = this.#components;
    try {
      this.#peerId = await dialler.dial(this.#address, this.#stopped.signal);
      this.#attempt = 0;
      // It may have gone again before its PeerId was known here.
      if (!dialler.isConnected(this.#peerId)) this.#later();
    } catch (err) {
      if (this.#stopped.signal.aborted) return;
      logger.debug({ err, address: this.#address.toString() }, 'a bootstrap peer does not answer');
      this.#later();
    }
  }

  #later(): void {
    const { clock, random } = this.#components;
    this.#attempt += 1;
    this.#cancelTimer?.();
    this.#cancelTimer = clock.setTimer(() => this.#dial(), backoffMs(BACKOFF, this.#attempt, random));
  }
}
