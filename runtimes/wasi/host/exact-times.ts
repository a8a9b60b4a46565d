import { FSTFLAG } from './constants.ts';
import { ERRNO, fail } from './errno.ts';
import type { GuestTime } from './time.ts';

interface TimeStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
}
interface Remembered {
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  /** What the file system made of them; while it still says so, the exact ones hold. */
  readonly storedAtimeNs: bigint;
  readonly storedMtimeNs: bigint;
}

const MAX_REMEMBERED = 4096;

/** node:fs takes times as doubles, which lose the last 200 ns or so; a guest that sets a time reads back what it set. */
export class ExactTimes {
  readonly #remembered = new Map<string, Remembered>();

  of(stat: TimeStat): { atimeNs: bigint; mtimeNs: bigint } {
    const known = this.#remembered.get(keyOf(stat));
    return {
      atimeNs: known?.storedAtimeNs === stat.atimeNs ? known.atimeNs : stat.atimeNs,
      mtimeNs: known?.storedMtimeNs === stat.mtimeNs ? known.mtimeNs : stat.mtimeNs,
    };
  }

  /** Sets what `flags` asks for by `apply`, which takes seconds, and remembers it exactly. */
  set<S extends TimeStat>(request: {
    readonly stat: () => S;
    readonly apply: (atimeS: number, mtimeS: number) => void;
    readonly atimeNs: bigint;
    readonly mtimeNs: bigint;
    readonly flags: number;
    readonly time: GuestTime;
  }): void {
    checkFlags(request.flags);
    const before = request.stat();
    const current = this.of(before);
    const nowNs = request.time.realtimeNs();
    const chosen = (set: number, now: number, given: bigint, old: bigint): bigint => {
      if ((request.flags & set) !== 0) return given;
      return (request.flags & now) !== 0 ? nowNs : old;
    };
    const atimeNs = chosen(FSTFLAG.ATIM, FSTFLAG.ATIM_NOW, request.atimeNs, current.atimeNs);
    const mtimeNs = chosen(FSTFLAG.MTIM, FSTFLAG.MTIM_NOW, request.mtimeNs, current.mtimeNs);
    request.apply(Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
    const stored = request.stat();
    this.#remember(keyOf(stored), {
      atimeNs,
      mtimeNs,
      storedAtimeNs: stored.atimeNs,
      storedMtimeNs: stored.mtimeNs,
    });
  }

  #remember(key: string, times: Remembered): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, times);
    const oldest = this.#remembered.keys().next().value;
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }
}

function checkFlags(flags: number): void {
  const both = (a: number, b: number): boolean => (flags & (a | b)) === (a | b);
  if ((flags & ~FSTFLAG.ALL) !== 0) fail(ERRNO.INVAL);
  if (both(FSTFLAG.ATIM, FSTFLAG.ATIM_NOW) || both(FSTFLAG.MTIM, FSTFLAG.MTIM_NOW)) fail(ERRNO.INVAL);
}

function keyOf(stat: TimeStat): string {
  return `${stat.dev}:${stat.ino}`;
}
