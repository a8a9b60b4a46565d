import type { Clock } from '../../../src/interface/clock.ts';
import type { Volume } from '../volume/volume.ts';
import type { LimitExit } from '../exit.ts';
import type { ContainerCgroup } from './container-cgroup.ts';

export interface WatchInit {
  readonly pidsLimit: number;
}
export interface WatchComponents {
  readonly clock: Clock;
  readonly cgroup: ContainerCgroup;
  readonly volume: Volume;
  /** Called once. */
  readonly onViolation: (violation: LimitExit) => void;
}

/** The pause between two looks; after a slow look, ten times what that took. */
const INTERVAL_MS = 200;
const MAX_LOAD = 0.1;

/** Looks for what the kernel contains but does not end: forks past the limit, and a volume that only is measured. */
export class Watch {
  readonly #init: WatchInit;
  readonly #components: WatchComponents;
  readonly #pidsRefusedBefore: number;
  /** The limit that the volume was seen at since the last `forget`, if its file system was full then. */
  #sawFull: LimitExit | undefined;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(init: WatchInit, components: WatchComponents) {
    this.#init = init;
    this.#components = components;
    this.#pidsRefusedBefore = components.cgroup.pidsRefused();
  }

  start(): void {
    this.#later(INTERVAL_MS);
  }

  get sawFull(): LimitExit | undefined {
    return this.#sawFull;
  }

  /** A new command begins. */
  forget(): void {
    this.#sawFull = undefined;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  /** Looks now. */
  async look(): Promise<LimitExit | undefined> {
    const { cgroup, volume } = this.#components;
    const { pidsLimit } = this.#init;
    if (cgroup.pidsRefused() > this.#pidsRefusedBefore) {
      return { kind: 'limit', limit: 'pids', limitValue: pidsLimit, observed: pidsLimit + 1 };
    }
    const { full } = await volume.usage();
    this.#sawFull = full ?? this.#sawFull;
    // A file system keeps its own limit, and a program may well get over a full disk.
    return volume.kind === 'filesystem' ? undefined : full;
  }

  #later(delayMs: number): void {
    this.#cancel = this.#components.clock.setTimer(() => void this.#turn(), delayMs);
  }

  async #turn(): Promise<void> {
    const { clock, onViolation } = this.#components;
    const startedNs = clock.monotonicNs();
    const violation = await this.look().catch(() => undefined);
    if (this.#isStopped) return;
    if (violation !== undefined) {
      onViolation(violation);
      return;
    }
    const tookMs = Number(clock.monotonicNs() - startedNs) / 1e6;
    this.#later(Math.max(INTERVAL_MS, tookMs / MAX_LOAD));
  }
}
