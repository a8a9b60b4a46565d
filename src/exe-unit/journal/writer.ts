import { ftruncateSync, writeSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../interface/clock.ts';
import type { JournalEntry, JournalRecord } from '../../interface/exe-unit.ts';
import { errorCode } from '../../util/error-code.ts';
import { syncDirectory } from '../../util/files.ts';
import { encodeRecord, FIRST_SUM } from './format.ts';

/** Where a journal ends: what the next record is chained to. */
export interface JournalPosition {
  readonly seq: number;
  readonly sum: string;
  /** Bytes of whole lines. */
  readonly offset: number;
}

/** The one writer of a journal. Its owner makes sure that it is the only one. */
export class JournalWriter {
  readonly #file: FileHandle;
  readonly #clock: Clock;
  readonly #listeners = new Set<(seq: number) => void>();
  #seq: number;
  #sum: string;
  #offset: number;
  #syncedSeq: number;
  #syncing: Promise<void> | undefined;

  private constructor(file: FileHandle, clock: Clock, position: JournalPosition) {
    this.#file = file;
    this.#clock = clock;
    this.#seq = position.seq;
    this.#sum = position.sum;
    this.#offset = position.offset;
    this.#syncedSeq = position.seq;
  }

  static async create(path: string, clock: Clock): Promise<JournalWriter> {
    const file = await open(path, 'ax', 0o600);
    await syncDirectory(dirname(path));
    return new JournalWriter(file, clock, { seq: 0, sum: FIRST_SUM, offset: 0 });
  }

  /** Goes on after the last whole line; cuts off what a crash left behind it. */
  static async resume(path: string, position: JournalPosition, clock: Clock): Promise<JournalWriter> {
    const file = await open(path, 'a');
    await file.truncate(position.offset);
    return new JournalWriter(file, clock, position);
  }

  get seq(): number {
    return this.#seq;
  }

  /** Checksum of everything up to and with the last record. */
  get sum(): string {
    return this.#sum;
  }

  /** In the file when it returns, on the disk after the next `sync`. */
  append(entry: JournalEntry): JournalRecord {
    const record: JournalRecord = { seq: this.#seq + 1, at: this.#clock.now(), ...entry };
    const { line, sum } = encodeRecord(record, this.#sum);
    this.#write(line);
    this.#seq = record.seq;
    this.#sum = sum;
    for (const listener of this.#listeners) listener(record.seq);
    return record;
  }

  /** Resolves when all that was appended before is on the disk; calls that overlap share the work. */
  async sync(): Promise<void> {
    const target = this.#seq;
    while (this.#syncedSeq < target) {
      this.#syncing ??= this.#datasync();
      await this.#syncing;
    }
  }

  /** Whether this very journal has the name. A file system that does not say leaves it where it was. */
  async isAt(path: string): Promise<boolean> {
    const { dev, ino } = await this.#file.stat();
    try {
      const found = await stat(path);
      return found.dev === dev && found.ino === ino;
    } catch (error) {
      const code = errorCode(error);
      return code !== 'ENOENT' && code !== 'ENOTDIR';
    }
  }

  onAppended(listener: (seq: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** The whole line or nothing of it: after half a line, on a disk that is full, no other could be read. */
  #write(line: Buffer): void {
    try {
      for (let written = 0; written < line.length;) {
        written += writeSync(this.#file.fd, line, written);
      }
    } catch (error) {
      ftruncateSync(this.#file.fd, this.#offset);
      throw error;
    }
    this.#offset += line.length;
  }

  async #datasync(): Promise<void> {
    const seq = this.#seq;
    try {
      await this.#file.datasync();
      this.#syncedSeq = seq;
    } finally {
      this.#syncing = undefined;
    }
  }
}
