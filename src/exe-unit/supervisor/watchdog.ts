import type { Clock } from '../../interface/clock.ts';
import type { ExeUnitSpec } from '../../interface/exe-unit.ts';
import type { Reason } from '../../interface/values.ts';
import { limitExceeded, reason } from '../reasons.ts';
import type { Meter } from './meter.ts';

/** The shortest distance of two looks at the CPU time. */
const MIN_CHECK_MS = 20;
const MAX_CHECK_MS = 1000;
const NS_PER_MS = 1_000_000;
/** An activity as old as so many distances of samples has them written down further apart: its books stay small. */
const DENSE_SAMPLES = 1_000;

export interface WatchdogComponents {
  readonly clock: Clock;
  /** By this the usage limits and the samples go: they wait while the activity is suspended; the deadline does not. */
  readonly workClock: Clock;
  readonly meter: Meter;
  /** Ends the activity. */
  readonly onLimit: (reason: Reason) => void;
}

/** Ends the activity at its deadline, and when it has used up its wall or CPU time; samples its usage meanwhile. */
export class Watchdog {
  readonly #spec: ExeUnitSpec;
  readonly #components: WatchdogComponents;
  readonly #timers = new Map<string, () => void>();
  #sampledAtMs = 0;

  constructor(spec: ExeUnitSpec, components: WatchdogComponents) {
    this.#spec = spec;
    this.#components = components;
  }

  /** From the activity's creation. */
  watchDeadline(): void {
    const leftMs = this.#spec.deadline - this.#components.clock.now();
    if (leftMs <= 0)
      this.#end(
        reason('Expired', 'the activity has reached its deadline', { deadline: this.#spec.deadline }),
      );
    // In steps: the deadline is a time of day, and the clock may be set meanwhile.
    else
      this.#timers.set(
        'deadline',
        this.#components.clock.setTimer(() => this.watchDeadline(), Math.min(leftMs, 60_000)),
      );
  }

  /** From the activity's start. */
  watchUsage(): void {
    const { wallTimeMs, cpuTimeMs } = this.#spec.limits;
    if (wallTimeMs !== undefined)
      this.#after('wall', wallTimeMs, () => this.#end(limitExceeded('time', wallTimeMs, this.#wallMs())));
    if (cpuTimeMs !== undefined) this.#watchCpu(cpuTimeMs);
    this.#sampleLater();
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #sampleLater(): void {
    const { meter } = this.#components;
    this.#after('sample', this.#spec.sampleIntervalMs, async () => {
      await (this.#isSampleDue() ? meter.sample() : meter.measure());
      if (this.#timers.has('sample')) this.#sampleLater();
    });
  }

  /** What is measured in between goes into the next sample. */
  #isSampleDue(): boolean {
    const { sampleIntervalMs, maxSampleIntervalMs = sampleIntervalMs } = this.#spec;
    const wallMs = this.#wallMs();
    const distanceMs = Math.min(Math.max(sampleIntervalMs, wallMs / DENSE_SAMPLES), maxSampleIntervalMs);
    // A timer may come a little early or late; half a step tells one from the next.
    if (wallMs - this.#sampledAtMs < distanceMs - sampleIntervalMs / 2) return false;
    this.#sampledAtMs = wallMs;
    return true;
  }

  /** Looks again when the limit could be reached at the earliest, with all threads busy. */
  #watchCpu(limitMs: number): void {
    const usedMs = Number(this.#components.meter.cpuNs) / NS_PER_MS;
    if (usedMs >= limitMs) {
      this.#end(limitExceeded('cpu', limitMs, Math.round(usedMs)));
      return;
    }
    const leftMs = (limitMs - usedMs) / this.#spec.resources.cpuThreads;
    this.#after('cpu', Math.min(Math.max(leftMs, MIN_CHECK_MS), MAX_CHECK_MS), async () => {
      await this.#components.meter.measure();
      if (this.#timers.has('cpu')) this.#watchCpu(limitMs);
    });
  }

  #wallMs(): number {
    return Math.round(Number(this.#components.meter.durationNs) / NS_PER_MS);
  }

  #end(why: Reason): void {
    this.#components.onLimit(why);
  }

  #after(name: string, delayMs: number, fn: () => void | Promise<void>): void {
    this.#timers.set(
      name,
      this.#components.workClock.setTimer(() => void fn(), delayMs),
    );
  }
}
