import { availableParallelism } from 'node:os';
import type { Bench } from './bench.ts';
import type { Comparison, Summary } from './compare.ts';

export interface Result {
  readonly bench: Bench;
  readonly comparisons: readonly Comparison[];
}

const MIB = 1024 * 1024;

/** For people: what was compared with what, and a line for each comparison. */
export function table({ bench, comparisons }: Result): string {
  const head = ['', 'ours', 'floor', 'ratio', 'quartiles', 'samples'];
  const rows = comparisons.map((each) => [
    each.name,
    quantity(each.ours, each),
    quantity(each.floor, each),
    figure(each.ratio),
    `${figure(each.ratioP25)}–${figure(each.ratioP75)}`,
    `${each.samples}${each.operations === undefined ? '' : ` × ${each.operations}`}`,
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`;
  return [
    '',
    bench.name,
    `  ours:  ${bench.ours}`,
    `  floor: ${bench.floor}`,
    '',
    ...[head, ...rows].map(line),
  ].join('\n');
}

/** For programs: everything, on one line. */
export function jsonLine(results: readonly Result[], quick: boolean): string {
  return JSON.stringify({
    node: process.version,
    cpus: availableParallelism(),
    quick,
    benchmarks: results.map(({ bench: { name, ours, floor }, comparisons }) => ({
      name,
      ours,
      floor,
      comparisons,
    })),
  });
}

function quantity({ median }: Summary, { bytes, unit }: Comparison): string {
  if (unit === 'bytes') return `${figure(median / MIB)} MiB`;
  if (bytes !== undefined) return `${figure((bytes / MIB / median) * 1000)} MiB/s`;
  return median < 1 ? `${figure(median * 1000)} µs` : `${figure(median)} ms`;
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
