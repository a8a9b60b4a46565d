import type { Kv, KvRange, KvWrites } from './kv.ts';

/** The twin of the Level implementation that keeps nothing. */
export function memoryKv(): Kv {
  return new MemoryKv();
}

class MemoryKv implements Kv {
  readonly #values = new Map<string, string>();
  /** Byte strings of the keys (see `bytesOf`), sorted. */
  readonly #order: string[] = [];

  open(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    return keys.map((key) => this.#values.get(key));
  }

  async write(writes: KvWrites): Promise<void> {
    for (const [key, value] of writes) {
      const known = this.#values.has(key);
      if (value !== undefined) {
        if (!known) this.#order.splice(this.#indexOf(bytesOf(key)), 0, bytesOf(key));
        this.#values.set(key, value);
      } else if (known) {
        this.#order.splice(this.#indexOf(bytesOf(key)), 1);
        this.#values.delete(key);
      }
    }
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  async *iterate(range: KvRange): AsyncIterable<[string, string]> {
    const from = Math.max(
      range.gte === undefined ? 0 : this.#indexOf(bytesOf(range.gte)),
      range.gt === undefined ? 0 : this.#indexOf(`${bytesOf(range.gt)}\0`),
    );
    const to = range.lt === undefined ? this.#order.length : this.#indexOf(bytesOf(range.lt));
    const limit = range.limit ?? Infinity;
    const names =
      range.reverse === true
        ? this.#order.slice(Math.max(from, to - limit), Math.max(from, to)).reverse()
        : this.#order.slice(from, Math.min(to, from + limit));
    const pairs = names.flatMap((name): [string, string][] => {
      const key = textOf(name);
      const value = this.#values.get(key);
      return value === undefined ? [] : [[key, value]];
    });
    yield* pairs;
  }

  /** The first place whose key is not less than `bytes`. */
  #indexOf(bytes: string): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle] ?? '') < bytes) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** One character a byte, so that JavaScript's order of UTF-16 units is the order of the UTF-8 bytes, as Level sorts. */
function bytesOf(key: string): string {
  return Buffer.from(key, 'utf8').toString('latin1');
}

function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
