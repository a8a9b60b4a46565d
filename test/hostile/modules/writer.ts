/** WebAssembly modules by hand, for what no compiler would make: of any size, and as wrong as one likes. */

export type Bytes = Uint8Array | readonly number[];

export const I32 = 0x7f;
export const I64 = 0x7e;
export const PREVIEW1 = 'wasi_snapshot_preview1';
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

export function concat(...parts: Bytes[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Uint8Array.from(part)));
}

/** LEB128 of an unsigned number. */
export function u32(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...u32(Math.floor(value / 128))];
}

/** LEB128 of a signed number of up to 64 bits. */
export function signed(value: bigint): number[] {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const isLast = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

export function name(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return concat(u32(bytes.length), bytes);
}

export function section(id: number, ...parts: Bytes[]): Uint8Array {
  const body = concat(...parts);
  return concat([id], u32(body.length), body);
}

/** A section that is a vector. */
export function vector(id: number, entries: readonly Bytes[]): Uint8Array {
  return section(id, u32(entries.length), ...entries);
}

export interface FunctionType {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

export interface ModuleParts {
  readonly imports?: readonly {
    readonly module?: string;
    readonly name: string;
    readonly type: FunctionType;
  }[];
  /** Bytes of the limits of the one memory. */
  readonly memory?: Bytes;
  /** Whole table types. */
  readonly tables?: readonly Bytes[];
  readonly globals?: readonly Bytes[];
  /** Whole entries. */
  readonly exports?: readonly Bytes[];
  /** Whether `_start` is the module's start function as well. */
  readonly startsAtOnce?: boolean;
  readonly elements?: readonly Bytes[];
  /** Of `_start`: locals, and instructions without the end. */
  readonly locals?: Bytes;
  readonly code?: Bytes;
  /** Further functions, of no parameters and no results. */
  readonly functions?: readonly Bytes[];
  readonly data?: readonly Bytes[];
  /** Sections to append as they are. */
  readonly more?: Bytes;
}

const NOTHING: FunctionType = { parameters: [], results: [] };

export function moduleOf(parts: ModuleParts = {}): Uint8Array {
  const {
    imports = [],
    memory = [0, 1],
    tables,
    globals,
    exports = [],
    elements,
    data,
    functions = [],
  } = parts;
  const types = [NOTHING, ...imports.map(({ type }) => type)];
  const start = imports.length;
  return concat(
    HEADER,
    vector(1, types.map(functionType)),
    vector(
      2,
      imports.map(({ module = PREVIEW1, name: field }, i) =>
        concat(name(module), name(field), [0], u32(i + 1)),
      ),
    ),
    vector(
      3,
      Array.from({ length: 1 + functions.length }, () => [0]),
    ),
    tables === undefined ? [] : vector(4, tables),
    section(5, [1], memory),
    globals === undefined ? [] : vector(6, globals),
    vector(7, [concat(name('memory'), [2, 0]), concat(name('_start'), [0], u32(start)), ...exports]),
    parts.startsAtOnce === true ? section(8, u32(start)) : [],
    elements === undefined ? [] : vector(9, elements),
    vector(10, [body(parts.code ?? [], parts.locals ?? [0]), ...functions.map((code) => body(code, [0]))]),
    data === undefined ? [] : vector(11, data),
    parts.more ?? [],
  );
}

function functionType({ parameters, results }: FunctionType): Uint8Array {
  return concat([0x60], u32(parameters.length), parameters, u32(results.length), results);
}

function body(code: Bytes, locals: Bytes): Uint8Array {
  const whole = concat(locals, code, [0x0b]);
  return concat(u32(whole.length), whole);
}
