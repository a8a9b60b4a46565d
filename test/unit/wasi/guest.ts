import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { importFunctions, type ImportFunction } from '../../../runtimes/wasi/host/import-functions.ts';
import { ExitTrap } from '../../../runtimes/wasi/host/exit.ts';
import { ERRNO } from '../../../runtimes/wasi/host/errno.ts';
import { createHost, type Host, type Preopen } from '../../../runtimes/wasi/host/host.ts';
import { hostCalls } from '../../../runtimes/wasi/host/preview1.ts';
import { WRITING_RIGHTS } from '../../../runtimes/wasi/host/rights.ts';
import { DiskQuota, UNLIMITED, type QuotaLimits } from '../../../runtimes/wasi/host/quota.ts';
import type { HostCall, Namespace } from '../../../runtimes/wasi/host/signatures.ts';
import type { GuestTime } from '../../../runtimes/wasi/host/time.ts';

export interface GuestOptions {
  readonly preopens?: readonly Preopen[];
  readonly quota?: QuotaLimits;
  readonly namespace?: Namespace;
  readonly pages?: number;
  /** False: as in a module's start function. */
  readonly attached?: boolean;
  readonly stdio?: readonly [number, number, number];
}

const RESULT = 32;
const TEXT = 1024;
const SECOND_TEXT = 8192;
export const DATA = 16_384;
const ALL_RIGHTS = (1n << 29n) - 1n;

/** A hand-driven guest: its memory, and the host's calls as WebAssembly makes them. */
export class Guest {
  readonly memory: WebAssembly.Memory;
  readonly call: Readonly<Record<HostCall, ImportFunction>>;
  readonly host: Host;
  readonly quota: DiskQuota;
  /** Faults of the host, which there must not be. */
  readonly faults: unknown[] = [];
  readonly slept: bigint[] = [];
  readonly #exitTrap = new ExitTrap();

  constructor(options: GuestOptions = {}) {
    const { preopens = [], quota = UNLIMITED, namespace = 'wasi_snapshot_preview1', pages = 2 } = options;
    this.quota = new DiskQuota(quota);
    for (const { hostPath } of preopens) this.quota.scan(hostPath);
    this.host = createHost({
      preopens,
      quota: this.quota,
      time: this.#time(),
      ...(options.stdio === undefined ? {} : { stdio: options.stdio }),
    });
    this.memory = new WebAssembly.Memory({ initial: pages });
    if (options.attached !== false) this.host.memory.attach(this.memory);
    const onFault = (call: string, error: unknown): void => void this.faults.push({ call, error });
    this.call = importFunctions(hostCalls(this.host, namespace), onFault, (end) =>
      this.#exitTrap.leave(end),
    ) as Record<HostCall, ImportFunction>;
  }

  #time(): GuestTime {
    return {
      realtimeNs: () => 1_700_000_000_123_456_789n,
      monotonicNs: () => 5_000_000_000n,
      cpuNs: () => 7_000n,
      sleepNs: (durationNs) => void this.slept.push(durationNs),
    };
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  /** Puts text into memory: the pointer and length of it, as arguments. */
  text(text: string, at = TEXT): [number, number] {
    const encoded = Buffer.from(text);
    this.bytes.set(encoded, at);
    return [at, encoded.length];
  }

  text2(text: string): [number, number] {
    return this.text(text, SECOND_TEXT);
  }

  /** One iovec that names a buffer. */
  vector(pointer: number, length: number): [number, number] {
    this.view.setUint32(0, pointer, true);
    this.view.setUint32(4, length, true);
    return [0, 1];
  }

  open(fd: number, name: string, options: OpenOptions = {}): { errno: number; fd: number } {
    const { oflags = 0, follow = true, flags = 0, inheriting = ALL_RIGHTS } = options;
    // A directory that is asked to be written to is refused.
    const { rights = (oflags & O.DIRECTORY) === 0 ? ALL_RIGHTS : ALL_RIGHTS & ~WRITING_RIGHTS } = options;
    const errno = this.call.path_open(
      ...[fd, follow ? 1 : 0, ...this.text(name), oflags, rights, inheriting, flags, RESULT],
    );
    return { errno, fd: errno === 0 ? this.view.getUint32(RESULT, true) : -1 };
  }

  write(fd: number, text: string): { errno: number; length: number } {
    const [pointer, length] = this.text(text, DATA);
    const errno = this.call.fd_write(fd, ...this.vector(pointer, length), RESULT);
    return { errno, length: this.view.getUint32(RESULT, true) };
  }

  read(fd: number, length = 4096): { errno: number; text: string } {
    const errno = this.call.fd_read(fd, ...this.vector(DATA, length), RESULT);
    const read = this.view.getUint32(RESULT, true);
    return { errno, text: errno === 0 ? Buffer.from(this.bytes.slice(DATA, DATA + read)).toString() : '' };
  }

  /** Opens, reads all and closes; the errno of what failed. */
  contents(fd: number, name: string): string | number {
    const opened = this.open(fd, name, { rights: 2n });
    if (opened.errno !== 0) return opened.errno;
    const { errno, text } = this.read(opened.fd);
    this.call.fd_close(opened.fd);
    return errno === 0 ? text : errno;
  }

  result32(): number {
    return this.view.getUint32(RESULT, true);
  }

  result64(): bigint {
    return this.view.getBigUint64(RESULT, true);
  }
}

export interface OpenOptions {
  readonly oflags?: number;
  readonly rights?: bigint;
  readonly inheriting?: bigint;
  readonly follow?: boolean;
  readonly flags?: number;
}

export const O = { CREAT: 1, DIRECTORY: 2, EXCL: 4, TRUNC: 8 } as const;
export const RESULT_AT = RESULT;
export const E = ERRNO;

export interface Volume {
  readonly root: string;
  readonly outside: string;
  done(): void;
}

/** A fresh directory `inside` with a secret beside it, removed by `done`. */
export function volume(): Volume {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'ergon-host-'));
  const root = path.join(base, 'inside');
  fs.mkdirSync(root);
  fs.writeFileSync(path.join(base, 'secret'), 'secret');
  return { root, outside: base, done: () => fs.rmSync(base, { recursive: true, force: true }) };
}

/**
 * Before each test of a suite a new guest with one preopened directory, which `fill` may put something into; after each,
 * a look that no host call failed in a way of its own.
 */
export function guestForEach(
  guestPath: string,
  take: (made: { guest: Guest; place: Volume }) => void,
  fill: (root: string) => void = () => undefined,
): void {
  let guest: Guest;
  let place: Volume;
  beforeEach(() => {
    place = volume();
    fill(place.root);
    guest = new Guest({ preopens: [{ hostPath: place.root, guestPath }] });
    take({ guest, place });
  });
  afterEach(() => {
    expect(guest.faults).toEqual([]);
    place.done();
  });
}
