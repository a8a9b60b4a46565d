import { CALL_NAMES, isCallName, NAMESPACES, valueTypes, type ValueType } from '../host/signatures.ts';
import { findSection, SECTION, type Section } from './binary.ts';
import { skipValueType } from './limits.ts';
import { ModuleFormatError, Reader } from './reader.ts';

/*
 * What a module asks of us (its imports) and shows us (its exports), checked before anything of it runs. The exact
 * types matter: a module that imports fd_write with a float would hand the host a value that it does not expect.
 */

const FUNCTION_FORM = 0x60;
const INTEGERS: Readonly<Record<number, ValueType>> = { 0x7f: 'i32', 0x7e: 'i64' };
const KIND = { FUNCTION: 0, TABLE: 1, MEMORY: 2, GLOBAL: 3, TAG: 4 } as const;
const KIND_NAMES = ['function', 'table', 'memory', 'global', 'tag'];

interface FunctionType {
  readonly parameters: readonly string[];
  readonly results: readonly string[];
}

/** What of its imports and exports the rest needs to know. */
export interface ModuleInterface {
  readonly importedFunctions: number;
  /** Namespaces that it imports from. */
  readonly namespaces: readonly string[];
  readonly exportsMemory: boolean;
}

/** @throws ModuleFormatError when it is no WASI command, or imports what preview1 does not have */
export function checkInterface(sections: readonly Section[]): ModuleInterface {
  const types = readTypes(sections);
  const imports = checkImports(sections, types);
  const exports = readExports(sections);
  const start = exports.get('_start');
  if (start?.kind !== KIND.FUNCTION) {
    throw new ModuleFormatError(
      exports.has('_initialize')
        ? 'it is a WASI reactor (a library), not a command: it exports no function `_start`'
        : 'it exports no function `_start`, so it is not a WASI command',
    );
  }
  const memory = exports.get('memory');
  if (imports.importedFunctions > 0 && memory?.kind !== KIND.MEMORY)
    throw new ModuleFormatError('it exports no `memory`');
  return { ...imports, exportsMemory: memory?.kind === KIND.MEMORY };
}

function checkImports(
  sections: readonly Section[],
  types: ReadonlyMap<number, FunctionType>,
): Omit<ModuleInterface, 'exportsMemory'> {
  const body = findSection(sections, SECTION.IMPORT)?.body;
  if (body === undefined) return { importedFunctions: 0, namespaces: [] };
  const reader = new Reader(body);
  const count = reader.u32();
  const namespaces = new Set<string>();
  for (let i = 0; i < count; i++) {
    const namespace = reader.name();
    const name = reader.name();
    const kind = reader.u8();
    expectKnown(namespace, name, kind);
    namespaces.add(namespace);
    expectSignature(namespace, name, types.get(reader.u32()));
  }
  return { importedFunctions: count, namespaces: [...namespaces] };
}

function expectKnown(namespace: string, name: string, kind: number): void {
  const what = `\`${shorten(namespace)}.${shorten(name)}\``;
  if (!NAMESPACES.some((known) => known === namespace)) {
    throw new ModuleFormatError(`it imports ${what}; only ${NAMESPACES.join(' and ')} can be imported`);
  }
  if (kind !== KIND.FUNCTION) {
    throw new ModuleFormatError(
      `it imports the ${KIND_NAMES[kind] ?? 'unknown thing'} ${what}; only functions can be imported`,
    );
  }
  if (!CALL_NAMES.includes(name))
    throw new ModuleFormatError(`it imports ${what}, which WASI preview1 does not have`);
}

function expectSignature(namespace: string, name: string, type: FunctionType | undefined): void {
  if (!isCallName(name)) return;
  const expected = valueTypes(name);
  const same = (a: readonly string[], b: readonly string[] = []): boolean => a.join() === b.join();
  if (same(expected.parameters, type?.parameters) && same(expected.results, type?.results)) return;
  throw new ModuleFormatError(`it imports \`${namespace}.${name}\` with the wrong type`);
}

/** Function types by index. Types of other proposals are known by their place only. */
function readTypes(sections: readonly Section[]): Map<number, FunctionType> {
  const types = new Map<number, FunctionType>();
  const body = findSection(sections, SECTION.TYPE)?.body;
  if (body === undefined) return types;
  const reader = new Reader(body);
  const count = reader.u32();
  for (let i = 0; i < count; i++) {
    if (reader.u8() !== FUNCTION_FORM)
      throw new ModuleFormatError('it uses a proposal for types (GC) that is not supported');
    types.set(i, { parameters: readValueTypes(reader), results: readValueTypes(reader) });
  }
  return types;
}

function readValueTypes(reader: Reader): string[] {
  const count = reader.u32();
  const types: string[] = [];
  for (let i = 0; i < count; i++) {
    const type = reader.peek() ?? 0;
    skipValueType(reader);
    // Of the others it is enough to know that no call of ours has them.
    types.push(INTEGERS[type] ?? 'other');
  }
  return types;
}

function readExports(sections: readonly Section[]): Map<string, { kind: number; index: number }> {
  const exports = new Map<string, { kind: number; index: number }>();
  const body = findSection(sections, SECTION.EXPORT)?.body;
  if (body === undefined) return exports;
  const reader = new Reader(body);
  const count = reader.u32();
  for (let i = 0; i < count; i++) exports.set(reader.name(), { kind: reader.u8(), index: reader.u32() });
  return exports;
}

function shorten(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name;
}
