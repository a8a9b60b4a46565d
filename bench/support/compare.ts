import { performance } from 'node:perf_hooks';

/** One side of a comparison. Only `run` is timed. */
export interface Subject {
  readonly prepare?: () => Promise<void>;
  readonly run: () => Promise<void>;
  readonly after?: () => Promise<void>;
}

export interface Trial {
  /** Samples of each side that count. */
  readonly samples: number;
  /** Samples before these that do not. */
  readonly warmUp: number;
  /** How many of what is measured one `run` does; 1 unless given. */
  readonly operations?: number;
  /** Bytes that one operation moves: the report then shows a throughput. */
  readonly bytes?: number;
}

/** Of milliseconds for one operation, or of bytes. */
export interface Summary {
  readonly median: number;
  readonly p25: number;
  readonly p75: number;
}

export interface Comparison extends Trial {
  readonly name: string;
  /** What both figures are. */
  readonly unit: 'ms' | 'bytes';
  readonly ours: Summary;
  readonly floor: Summary;
  /** Median of ours over the floor's: 1 is as fast as the floor. */
  readonly ratio: number;
  /** Quartiles of the ratios of neighbouring samples: how far the machine's noise goes. */
  readonly ratioP25: number;
  readonly ratioP75: number;
}

/** Takes samples of both in turn, so that whatever else the machine does slows both; who is first changes each time. */
export async function compare(
  name: string,
  trial: Trial,
  ours: Subject,
  floor: Subject,
): Promise<Comparison> {
  const oursMs: number[] = [];
  const floorMs: number[] = [];
  for (let round = -trial.warmUp; round < trial.samples; round += 1) {
    const oursFirst = round % 2 === 0;
    const first = await time(oursFirst ? ours : floor, trial);
    const second = await time(oursFirst ? floor : ours, trial);
    if (round < 0) continue;
    oursMs.push(oursFirst ? first : second);
    floorMs.push(oursFirst ? second : first);
  }
  return comparison(name, { ...trial, unit: 'ms' }, oursMs, floorMs);
}

/** Of figures that were taken side by side. */
export function comparison(
  name: string,
  trial: Trial & Pick<Comparison, 'unit'>,
  ours: readonly number[],
  floor: readonly number[],
): Comparison {
  const ratios = summary(ours.map((figure, index) => figure / (floor[index] ?? NaN)));
  const [a, b] = [summary(ours), summary(floor)];
  return {
    name,
    ...trial,
    ours: a,
    floor: b,
    ratio: a.median / b.median,
    ratioP25: ratios.p25,
    ratioP75: ratios.p75,
  };
}

async function time({ prepare, run, after }: Subject, { operations = 1 }: Trial): Promise<number> {
  await prepare?.();
  const start = performance.now();
  await run();
  const ms = performance.now() - start;
  await after?.();
  return ms / operations;
}

function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = (sorted.length - 1) * share;
    const below = sorted[Math.floor(place)] ?? NaN;
    return below + ((sorted[Math.ceil(place)] ?? NaN) - below) * (place - Math.floor(place));
  };
  return { median: at(0.5), p25: at(0.25), p75: at(0.75) };
}
