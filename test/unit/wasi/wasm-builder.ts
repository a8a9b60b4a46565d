import { leb, section } from './modules.ts';

/** A module of several functions by hand. All function types are `() -> ()`; global 0 is a mutable i32, exported. */
export interface ProgramParts {
  /** Instructions without the last end; the first is `_start`. */
  readonly functions: readonly (readonly number[])[];
  /** i32 locals of each function. */
  readonly locals?: number;
  /** The function that runs when the module is made. */
  readonly start?: number;
  /** Put into a table, in this order. */
  readonly table?: readonly number[];
  readonly memory?: readonly number[];
}

const name = (text: string): number[] => [text.length, ...Buffer.from(text)];
const vector = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
const I32 = 0x7f;

export function programOf({
  functions,
  locals = 4,
  start,
  table,
  memory,
}: ProgramParts): Uint8Array<ArrayBuffer> {
  const bodies = functions.map((code) => {
    const body = [1, locals, I32, ...code, 0x0b];
    return [...leb(body.length), ...body];
  });
  const exports = [
    [...name('_start'), 0, 0],
    [...name('state'), 3, 0],
    ...(memory === undefined ? [] : [[...name('memory'), 2, 0]]),
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(3, ...vector(functions.map(() => [0]))),
    ...(table === undefined ? [] : section(4, 1, 0x70, 0, ...leb(table.length))),
    ...(memory === undefined ? [] : section(5, 1, ...memory)),
    // An exception of no values.
    ...section(13, 1, 0, 0),
    ...section(6, 1, I32, 1, 0x41, 0, 0x0b),
    ...section(7, ...vector(exports)),
    ...(start === undefined ? [] : section(8, start)),
    ...(table === undefined ? [] : section(9, 1, 0, 0x41, 0, 0x0b, ...vector(table.map((index) => [index])))),
    ...section(10, ...vector(bodies)),
  ]);
}
