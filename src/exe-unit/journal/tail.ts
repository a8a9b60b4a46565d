import { open, type FileHandle } from 'node:fs/promises';
import type { JournalRecord } from '../../interface/exe-unit.ts';
import { damaged, decodeRecord, endOfLine, FIRST_SUM, MAX_LINE_BYTES } from './format.ts';
import type { JournalPosition } from './writer.ts';

const BLOCK_BYTES = 256 << 10;

/** Reads a journal from its start and, call by call, what has been added since. */
export class JournalTail {
  readonly #path: string;
  #seq = 0;
  #sum = FIRST_SUM;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get position(): JournalPosition {
    return { seq: this.#seq, sum: this.#sum, offset: this.#offset };
  }

  /**
   * The whole lines that are there by now. They are on the disk before they are handed out: whoever has
   * acted on a record finds it there after a power failure too.
   * @throws ExeUnitError ERR_EXE_UNIT_JOURNAL_DAMAGED
   */
  async *read(): AsyncGenerator<JournalRecord> {
    const file = await open(this.#path, 'r');
    try {
      await file.datasync();
      const { size } = await file.stat();
      if (size < this.#offset) throw damaged(this.#seq + 1, `the file shrank to ${size} bytes`);
      yield* this.#lines(file, size);
    } finally {
      await file.close();
    }
  }

  async *#lines(file: FileHandle, size: number): AsyncGenerator<JournalRecord> {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    for (let at = this.#offset; at < size;) {
      const { bytesRead } = await file.read(block, 0, Math.min(BLOCK_BYTES, size - at), at);
      if (bytesRead === 0) return;
      at += bytesRead;
      let rest = block.subarray(0, bytesRead);
      for (let end = endOfLine(rest); end !== -1; end = endOfLine(rest)) {
        yield this.#take(Buffer.concat([...pending, rest.subarray(0, end)]));
        pending = [];
        pendingBytes = 0;
        rest = rest.subarray(end);
      }
      pending.push(Buffer.from(rest));
      pendingBytes += rest.length;
      if (pendingBytes > MAX_LINE_BYTES) throw damaged(this.#seq + 1, 'it has no end');
    }
  }

  #take(line: Buffer): JournalRecord {
    const { record, sum } = decodeRecord(line, this.#sum, this.#seq + 1);
    this.#seq = record.seq;
    this.#sum = sum;
    this.#offset += line.length;
    return record;
  }
}
