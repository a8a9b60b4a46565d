import fs from 'node:fs';
import { ERRNO, fail } from './errno.ts';

/** A file that the guest has open, as the quota sees it: charged at its length, holes included. */
export interface OpenInode {
  readonly key: string;
  size: number;
  opens: number;
  /** False once its last name is gone; it is then paid back at the last close, not before. */
  named: boolean;
}

/** What the guest's files may take up in all. */
export interface QuotaLimits {
  /** Sum of the lengths of all files. */
  readonly bytes: number;
  /** Names in all directories: files, directories, links. */
  readonly entries: number;
}
export const UNLIMITED: QuotaLimits = { bytes: Infinity, entries: Infinity };

interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly nlink: bigint;
  isFile(): boolean;
}

/**
 * What the guest's directory may hold. The host is the only writer while a guest runs, so the sums are kept rather
 * than measured; a change that does not fit fails with NOSPC before it is made.
 */
export class DiskQuota {
  readonly #limits: QuotaLimits;
  readonly #open = new Map<string, OpenInode>();
  readonly #onChange: () => void;
  #bytes = 0;
  #entries = 0;
  #refusedBytes = 0;
  #refusedFiles = 0;

  constructor(limits: QuotaLimits, onChange: () => void = () => undefined) {
    this.#limits = limits;
    this.#onChange = onChange;
  }

  get usedBytes(): number {
    return this.#bytes;
  }

  get usedEntries(): number {
    return this.#entries;
  }

  /** All that would have been used, had the last request for more been granted; 0 when it was. */
  get refusedBytes(): number {
    return this.#refusedBytes;
  }

  /** The names that there were when the last request for more was one for another name and was refused; 0 otherwise. */
  get refusedFiles(): number {
    return this.#refusedFiles;
  }

  /** Counts what a directory holds already. */
  scan(root: string): void {
    const linked = new Set<string>();
    const pending = [root];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      for (const item of fs.readdirSync(path, { withFileTypes: true })) {
        this.#entries++;
        const child = `${path}/${item.name}`;
        if (item.isDirectory()) pending.push(child);
        else if (item.isFile()) this.#count(fs.lstatSync(child, { bigint: true }), linked);
      }
    }
    this.#onChange();
  }

  #count(stat: FileStat, linked: Set<string>): void {
    if (stat.nlink > 1n) {
      if (linked.has(keyOf(stat))) return;
      linked.add(keyOf(stat));
    }
    this.#bytes += Number(stat.size);
  }

  /** Makes a new name by `make`, if there is room for one more. */
  withEntry<T>(make: () => T): T {
    if (this.#entries >= this.#limits.entries) this.#refuse({ files: this.#entries });
    const made = make();
    this.#entries++;
    this.#granted();
    this.#onChange();
    return made;
  }

  entryRemoved(): void {
    this.#entries--;
    this.#onChange();
  }

  /** A name of a file was removed, by unlink or by a rename over it; `stat` is from before. */
  nameRemoved(stat: FileStat): void {
    this.entryRemoved();
    if (!stat.isFile() || stat.nlink > 1n) return;
    const inode = this.#open.get(keyOf(stat));
    if (inode === undefined) this.#add(-Number(stat.size));
    else inode.named = false;
  }

  opened(stat: FileStat): OpenInode {
    const key = keyOf(stat);
    const known = this.#open.get(key);
    if (known !== undefined) {
      known.opens++;
      return known;
    }
    const inode: OpenInode = { key, size: Number(stat.size), opens: 1, named: true };
    this.#open.set(key, inode);
    return inode;
  }

  closed(inode: OpenInode): void {
    if (--inode.opens > 0) return;
    this.#open.delete(inode.key);
    if (!inode.named) this.#add(-inode.size);
  }

  /** Charges a write ahead of it; says how much of it fits. Fails when nothing does. */
  grantWrite(inode: OpenInode, offset: number, length: number): number {
    const growth = offset + length - inode.size;
    if (growth <= 0) return length;
    const granted = Math.min(growth, this.#limits.bytes - this.#bytes);
    const fitting = length - (growth - granted);
    if (fitting <= 0) this.#refuse({ bytes: this.#bytes + growth });
    this.#granted();
    inode.size += granted;
    this.#add(granted);
    return fitting;
  }

  /** Charges a new length ahead of the change, or pays back. */
  resize(inode: OpenInode, size: number): void {
    const growth = size - inode.size;
    if (growth > this.#limits.bytes - this.#bytes) this.#refuse({ bytes: this.#bytes + growth });
    if (growth > 0) this.#granted();
    inode.size = size;
    this.#add(growth);
  }

  #granted(): void {
    this.#refusedBytes = this.#refusedFiles = 0;
  }

  #refuse({ bytes = 0, files = 0 }: { bytes?: number; files?: number }): never {
    this.#refusedBytes = Math.min(bytes, Number.MAX_SAFE_INTEGER);
    this.#refusedFiles = files;
    fail(ERRNO.NOSPC);
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    if (bytes !== 0) this.#onChange();
  }
}

function keyOf(stat: FileStat): string {
  return `${stat.dev}:${stat.ino}`;
}
