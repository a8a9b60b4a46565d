/** The bytes are not a WebAssembly module that we understand. Its message goes to whoever sent the package. */
export class ModuleFormatError extends Error {}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads the binary format; every read is bounded by the section or function that it is in. */
export class Reader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get atEnd(): boolean {
    return this.position >= this.end;
  }

  u8(): number {
    const value = this.position < this.end ? this.bytes[this.position] : undefined;
    if (value === undefined) throw new ModuleFormatError('the module ends in the middle');
    this.position++;
    return value;
  }

  peek(): number | undefined {
    return this.position < this.end ? this.bytes[this.position] : undefined;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      result += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) {
        if (result > 0xffffffff) break;
        return result;
      }
    }
    throw new ModuleFormatError('a number in the module is out of range');
  }

  /** Any LEB128, its value of no interest. */
  skipLeb(): void {
    for (let length = 0; length < 10; length++) if ((this.u8() & 0x80) === 0) return;
    throw new ModuleFormatError('a number in the module is too long');
  }

  skip(length: number): void {
    this.take(length);
  }

  take(length: number): Uint8Array {
    if (length > this.end - this.position) throw new ModuleFormatError('the module ends in the middle');
    const part = this.bytes.subarray(this.position, this.position + length);
    this.position += length;
    return part;
  }

  /** What was read since `start`. */
  since(start: number): Uint8Array {
    return this.bytes.subarray(start, this.position);
  }

  name(): string {
    const bytes = this.take(this.u32());
    try {
      return decoder.decode(bytes);
    } catch {
      throw new ModuleFormatError('a name in the module is not UTF-8');
    }
  }
}
