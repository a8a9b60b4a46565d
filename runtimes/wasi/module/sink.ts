/** Collects bytes in one buffer that grows: a large module has more pieces than a buffer each would be good for. */
export class Sink {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(Math.max(1, capacity));
  }

  put(part: Uint8Array): void {
    this.#makeRoom(part.length);
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }

  /** From `start` up to `end` of what another array holds. */
  putFrom(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#makeRoom(length);
    // A view of each short piece would cost more than its bytes.
    if (length > 64) this.#bytes.set(source.subarray(start, end), this.#length);
    else for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = source[start + i] ?? 0;
    this.#length += length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** What it holds, for as long as nothing more is put in. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #makeRoom(length: number): void {
    const needed = this.#length + length;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.view());
    this.#bytes = larger;
  }
}
