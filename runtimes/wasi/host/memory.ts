import { ERRNO, fail } from './errno.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One buffer of an iovec array. */
export interface Buffer32 {
  readonly pointer: number;
  readonly length: number;
}

/**
 * The guest's linear memory. Every access is checked against its end first, so that a call with a wrong pointer
 * changes nothing and raises nothing in the host. Pointers and lengths are unsigned: `importFunctions` sees to it.
 */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);

  /** Before this (in a module's start function) all access is a fault. */
  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  get byteLength(): number {
    return this.#memory?.buffer.byteLength ?? 0;
  }

  /** Fails with FAULT unless the whole range lies in the memory. */
  check(pointer: number, length: number): void {
    // A grown memory has a new buffer; the old one is detached.
    const buffer = this.#memory?.buffer;
    if (buffer === undefined) fail(ERRNO.FAULT);
    if (this.#bytes.buffer !== buffer) {
      this.#bytes = new Uint8Array(buffer);
      this.#view = new DataView(buffer);
    }
    if (pointer + length > buffer.byteLength) fail(ERRNO.FAULT);
  }

  /** A view of the range, valid until the guest runs on. */
  slice(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    this.check(pointer, length);
    return this.#bytes.subarray(pointer, pointer + length);
  }

  write(pointer: number, bytes: Uint8Array): void {
    this.check(pointer, bytes.length);
    this.#bytes.set(bytes, pointer);
  }

  fill(pointer: number, length: number, value: number): void {
    this.check(pointer, length);
    this.#bytes.fill(value, pointer, pointer + length);
  }

  /** Text must be UTF-8 without NUL, as preview1 asks. */
  readString(pointer: number, length: number): string {
    const bytes = this.slice(pointer, length);
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      fail(ERRNO.ILSEQ);
    }
    if (text.includes('\0')) fail(ERRNO.ILSEQ);
    return text;
  }

  readU8(pointer: number): number {
    this.check(pointer, 1);
    return this.#view.getUint8(pointer);
  }

  readU16(pointer: number): number {
    this.check(pointer, 2);
    return this.#view.getUint16(pointer, true);
  }

  readU32(pointer: number): number {
    this.check(pointer, 4);
    return this.#view.getUint32(pointer, true);
  }

  readU64(pointer: number): bigint {
    this.check(pointer, 8);
    return this.#view.getBigUint64(pointer, true);
  }

  writeU8(pointer: number, value: number): void {
    this.check(pointer, 1);
    this.#view.setUint8(pointer, value);
  }

  writeU16(pointer: number, value: number): void {
    this.check(pointer, 2);
    this.#view.setUint16(pointer, value, true);
  }

  writeU32(pointer: number, value: number): void {
    this.check(pointer, 4);
    this.#view.setUint32(pointer, value, true);
  }

  writeU64(pointer: number, value: bigint): void {
    this.check(pointer, 8);
    this.#view.setBigUint64(pointer, value, true);
  }

  /** Checks the whole array and all buffers that it names, before anything is read or written through it. */
  checkVectors(pointer: number, count: number): void {
    this.check(pointer, count * 8);
    for (let i = 0; i < count; i++) {
      const { pointer: at, length } = this.vector(pointer, i);
      this.check(at, length);
    }
  }

  /** The i-th buffer of an iovec array that was checked. */
  vector(pointer: number, i: number): Buffer32 {
    return { pointer: this.readU32(pointer + 8 * i), length: this.readU32(pointer + 8 * i + 4) };
  }
}
