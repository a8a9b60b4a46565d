import { stripVTControlCharacters } from 'node:util';
import { safe } from './format.ts';
import { widthOf, type Output } from './io.ts';
import { style } from './style.ts';

/** A column: its head, and its text for a row. */
export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  /** Never shortened: ids are there to be copied, and a shortened amount would be another one. */
  readonly whole?: boolean;
}

const GAP = 2;
const NARROWEST = 4;

/** A table that fits the terminal; into a pipe it goes unshortened. */
export async function table<T>(
  output: Output,
  rows: readonly T[],
  columns: readonly Column<T>[],
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const cells = rows.map((row) => columns.map(({ value }) => safe(value(row))));
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map((row) => (row[at] ?? '').length)),
  );
  const available = widthOf(output);
  const fitted = available === undefined ? widths : fit(widths, columns, available);
  const drawn = new Table({
    head: columns.map(({ title }) => style(output, 'bold', title)),
    colWidths: fitted.map((width) => width + GAP),
    chars: BORDERLESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP },
  });
  drawn.push(...cells);
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => stripVTControlCharacters(line) !== '')
    .join('\n');
}

/** Takes from the widest column that may be shortened, until the table fits or nothing is left to take. */
function fit(widths: readonly number[], columns: readonly Column<never>[], available: number): number[] {
  const fitted = [...widths];
  const total = (): number => fitted.reduce((sum, width) => sum + width + GAP, 0);
  while (total() > available) {
    let widest = -1;
    columns.forEach(({ whole }, at) => {
      const width = fitted[at] ?? 0;
      if (whole !== true && width > NARROWEST && width > (fitted[widest] ?? 0)) widest = at;
    });
    if (widest < 0) return fitted;
    fitted[widest] = (fitted[widest] ?? 0) - 1;
  }
  return fitted;
}

const BORDERLESS = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);

/** Names and values of one thing, one a line. */
export function fields(output: Output, entries: readonly (readonly [string, string | undefined])[]): string {
  const shown = entries.filter((entry): entry is readonly [string, string] => entry[1] !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown
    .map(([name, value]) => `${style(output, 'bold', name.padEnd(width))}  ${safe(value)}`)
    .join('\n');
}
