import { CALL_NAMES, isCallName, valueTypes } from '../../../runtimes/wasi/host/signatures.ts';
import { concat, I32, I64, moduleOf, PREVIEW1, signed, u32, type Bytes } from './writer.ts';

/*
 * A module that calls every function of preview1 with arguments that no program would: pointers at and beyond the
 * memory's end, counts of 2³¹ and more, descriptors and clocks that are none. Each parameter in turn gets each of the
 * values while the others stay small, and all of them get each at once. Between two calls the memory is made new, so
 * that nothing that a call has written (random bytes, say) becomes a valid request. It must live to say so.
 */

const MEMORY_BYTES = 65_536;
const VALUES: readonly bigint[] = [
  0n,
  3n,
  BigInt(MEMORY_BYTES) - 1n,
  BigInt(MEMORY_BYTES),
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
];
/** As large as 64 bits can be, of either sign. */
const WIDE: readonly bigint[] = [
  ...VALUES,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
];
/** These end the program or wait. */
const EXCLUDED = ['proc_exit', 'proc_raise'];
const SMALL = 8n;

const SAYS = 'survived\n';
const VECTOR_AT = 1024;
const TEXT_AT = 1040;

export const FUZZ_SAYS = new RegExp(SAYS.trim());

export function fuzzModule(namespace: string = PREVIEW1): Uint8Array {
  const names = CALL_NAMES.filter((call) => !EXCLUDED.includes(call));
  const imports = names.map((call) => {
    const { parameters, results } = typesOf(call);
    return { module: namespace, name: call, type: { parameters, results } };
  });
  const calls = names.flatMap((call, index) =>
    argumentsOf(typesOf(call).parameters).map((values) => concat(clearMemory(), callOf(call, index, values))),
  );
  return moduleOf({
    imports,
    memory: [1, 1, 1],
    code: concat(...calls, clearMemory(), sayIt(names.indexOf('fd_write'))),
    data: [],
  });
}

function typesOf(call: string): { parameters: number[]; results: number[] } {
  if (!isCallName(call)) throw new Error(call);
  const { parameters, results } = valueTypes(call);
  const code = (type: string): number => (type === 'i32' ? I32 : I64);
  return { parameters: parameters.map(code), results: results.map(code) };
}

function argumentsOf(types: readonly number[]): bigint[][] {
  const of = (type: number): readonly bigint[] => (type === I64 ? WIDE : VALUES);
  const eachInTurn = types.flatMap((type, i) =>
    of(type).map((value) => types.map((_, j) => (i === j ? value : SMALL))),
  );
  const allAtOnce = WIDE.map((value) => types.map((type) => (type === I64 ? value : value & 0xffff_ffffn)));
  return [...eachInTurn, ...allAtOnce];
}

function callOf(call: string, index: number, values: readonly bigint[]): Bytes {
  const { parameters, results } = typesOf(call);
  const pushed = parameters.flatMap((type, i) => {
    const value = values[i] ?? 0n;
    return type === I64
      ? [0x42, ...signed(BigInt.asIntN(64, value))]
      : [0x41, ...signed(BigInt.asIntN(32, value))];
  });
  return [...pushed, 0x10, ...u32(index), ...(results.length === 0 ? [] : [0x1a])];
}

/** memory.fill(0, 0, all of it) */
function clearMemory(): Bytes {
  return [0x41, 0, 0x41, 0, 0x41, ...signed(BigInt(MEMORY_BYTES)), 0xfc, 0x0b, 0x00];
}

function sayIt(write: number): Bytes {
  const i32 = (value: number): number[] => [0x41, ...signed(BigInt(value))];
  const store = (at: number, value: number, byte = false): number[] => [
    ...i32(at),
    ...i32(value),
    ...(byte ? [0x3a, 0, 0] : [0x36, 0, 0]),
  ];
  return [
    ...[...Buffer.from(SAYS)].flatMap((char, i) => store(TEXT_AT + i, char, true)),
    ...store(VECTOR_AT, TEXT_AT),
    ...store(VECTOR_AT + 4, SAYS.length),
    ...[...i32(1), ...i32(VECTOR_AT), ...i32(1), ...i32(0), 0x10, ...u32(write), 0x1a],
  ];
}
