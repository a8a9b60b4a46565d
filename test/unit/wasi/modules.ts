/** Small modules by hand, for what no compiler would make. */

const ascii = (text: string): number[] => [...Buffer.from(text)];
const name = (text: string): number[] => [text.length, ...ascii(text)];
export const section = (id: number, ...body: number[]): number[] => [id, ...leb(body.length), ...body];
export const leb = (value: number): number[] =>
  value < 128 ? [value] : [(value & 0x7f) | 0x80, ...leb(Math.floor(value / 128))];

const I32 = 0x7f;
const HEADER = [0, ...ascii('asm'), 1, 0, 0, 0];

export interface ModuleParts {
  /** Function types, as bytes after 0x60: parameters, then results. Type 0 is always `() -> ()`. */
  readonly types?: number[][];
  /** [namespace, name, kind and type…] */
  readonly imports?: [string, string, ...number[]][];
  /** Bytes of the memory's limits. */
  readonly memory?: number[];
  readonly table?: number[];
  /** Instructions of `_start`, without the end. */
  readonly start?: number[];
  /** The function that runs when the module is made. */
  readonly startFunction?: number;
  readonly exports?: [string, number, number][];
  readonly raw?: number[];
}

export function moduleOf(parts: ModuleParts = {}): Uint8Array<ArrayBuffer> {
  const { types = [], imports = [], memory = [0, 1], table, start = [], startFunction, raw = [] } = parts;
  const functions = imports.filter(([, , kind]) => kind === 0).length;
  const {
    exports = [
      ['memory', 2, 0],
      ['_start', 0, functions],
    ],
  } = parts;
  const allTypes = [[0, 0], ...types];
  const body = [0, ...start, 0x0b];
  return Uint8Array.from([
    ...HEADER,
    ...section(1, allTypes.length, ...allTypes.flatMap((type) => [0x60, ...type])),
    ...(imports.length === 0
      ? []
      : section(
          2,
          imports.length,
          ...imports.flatMap(([from, what, ...rest]) => [...name(from), ...name(what), ...rest]),
        )),
    ...section(3, 1, 0),
    ...(table === undefined ? [] : section(4, 1, 0x70, ...table)),
    ...section(5, 1, ...memory),
    ...section(7, exports.length, ...exports.flatMap(([what, kind, index]) => [...name(what), kind, index])),
    ...(startFunction === undefined ? [] : section(8, startFunction)),
    ...section(10, 1, ...leb(body.length), ...body),
    ...raw,
  ]);
}

/** `(i32, i32, i32, i32) -> i32`, as fd_write has. */
export const FD_WRITE_TYPE = [4, I32, I32, I32, I32, 1, I32];
export const P1 = 'wasi_snapshot_preview1';
