import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { exeUnits, runtimeRegistry } from '../../src/exe-unit/index.ts';
import { blobFileName, workPaths } from '../../src/exe-unit/paths.ts';
import type { ExeScript } from '../../src/interface/exe-script.ts';
import type { ExeUnits, ExeUnitSpec, JournalRecord } from '../../src/interface/exe-unit.ts';
import { systemClock } from '../../src/util/clock.ts';
import { newId } from '../../src/util/id.ts';
import { ofType, removeDataDir, specOf, supervisorPids, temporaryDataDir } from '../support/exe-units.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import { Batches, type Exec } from './batches.ts';
import { assertClean, soon } from './clean.ts';
import { Neighbour, p99, TICK_MS } from './neighbour.ts';
import {
  MEMORY_BYTES,
  OUTPUT_BYTES,
  STORAGE_BYTES,
  type HostileProgram,
  type HostileRuntime,
} from './program.ts';
import { expectOutcome, type Ended } from './outcome.ts';
import { peakOf, Watched } from './watch.ts';

const CALM_TICKS = 75;
/** How much later than undisturbed the neighbour may tick. It is one of two cores, with a test that is not idle. */
const DELAY_FACTOR = 25;
/** And how much larger than that of a well-behaved activity a supervisor may get, beside what it keeps of a stream. */
const SUPERVISOR_FACTOR = 2;
/** A file system of its own is made a little larger than agreed, for what it keeps account of. */
const DISK_FACTOR = 1.1;
const FAULT = /failed unexpectedly|(Type|Range|Reference)Error|unhandled/i;
const PATIENCE_MS = 60_000;

/** Supervisors of one runtime as a daemon has them, with a neighbour who ticks all the time. */
export class HostileWorld {
  readonly dataDir: string;
  readonly runtime: HostileRuntime;
  readonly units: ExeUnits;
  readonly #packagePath: string;
  readonly #warm: () => Promise<void>;
  #neighbourId = '';
  #neighbour: Neighbour | undefined;
  #calmP99 = Infinity;

  private constructor(
    runtime: HostileRuntime,
    dataDir: string,
    units: Awaited<ReturnType<typeof exeUnits>>,
    program: Uint8Array,
  ) {
    this.runtime = runtime;
    this.dataDir = dataDir;
    this.units = units;
    this.#warm = () => units.warmed();
    this.#packagePath = this.#blob(program);
  }

  static async start(runtime: HostileRuntime, program: Uint8Array): Promise<HostileWorld> {
    const dataDir = temporaryDataDir();
    const components = { clock: systemClock(), logger: silentLogger };
    const runtimes = await runtimeRegistry({ options: { docker: { pidsLimit: PIDS_LIMIT } } }, components);
    const units = exeUnits({ dataDir, warm: { [runtime]: 1 } }, { ...components, runtimes });
    const world = new HostileWorld(runtime, dataDir, units, program);
    await units.start();
    await world.#startNeighbour();
    return world;
  }

  async stop(): Promise<void> {
    // What a test that failed has left must not stay.
    for (const activityId of await this.units.list()) {
      await this.units.end(activityId, 'Completed');
      await this.#assertClean(activityId, []);
    }
    await this.units.stop();
    await soon(async () => expect(supervisorPids(this.dataDir)).toEqual([]));
    removeDataDir(this.dataDir);
  }

  /** The whole life of a program that means harm, and what it must not do to anybody else. */
  async expectContained(program: HostileProgram): Promise<Ended> {
    const outcome = program.outcomes[this.runtime];
    const startedMs = Date.now();
    const { ended, watched, containers } = await this.#live(program);
    expectOutcome(outcome, program, ended);
    const endedMs = Date.now();
    await this.neighbour.until(1, startedMs, endedMs);
    expect(p99(this.neighbour.delays(startedMs, Infinity)), 'the delay of a neighbour').toBeLessThan(
      DELAY_FACTOR * this.#calmP99,
    );
    expect(watched.peakBytes, 'the memory of the supervisor').toBeLessThan(this.#supervisorBytes(program));
    const storageBytes = program.resources?.storageBytes ?? STORAGE_BYTES;
    expect(watched.peakDiskBytes, 'the storage').toBeLessThan(DISK_FACTOR * storageBytes);
    // No input of a guest may make the host itself fail.
    expect(readFileSync(join(this.#directory(ended.activityId), 'supervisor.log'), 'utf8')).not.toMatch(
      FAULT,
    );
    await this.#assertClean(ended.activityId, containers);
    await soon(async () => expect(watched.survivors()).toEqual([]));
    return ended;
  }

  /** An activity, started, that takes one script after another; ended, and looked for in vain, afterwards. */
  async withActivity(
    blobs: readonly Uint8Array[],
    work: (exec: Exec, outputOf: (hash: string) => Buffer) => Promise<void>,
  ): Promise<void> {
    const activityId = newId();
    const files = [this.#packagePath, ...blobs.map((bytes) => this.#blob(bytes))];
    await this.units.create(this.#spec(activityId, this.#packagePath));
    const batches = new Batches();
    const followed = this.#follow(activityId, files, (record) => batches.take(record));
    const exec: Exec = async (commands) => {
      const batchId = newId();
      await this.units.exec(activityId, batchId, commands);
      return batches.result(batchId);
    };
    await exec([{ deploy: {} }, { start: {} }]);
    const { outputs } = workPaths(this.#directory(activityId));
    await work(exec, (hash) => readFileSync(join(outputs, blobFileName(hash))));
    await this.units.end(activityId, 'Completed');
    const handle = ofType(await followed, 'handle').at(-1)?.handle;
    await this.#assertClean(activityId, this.#containersOf(handle));
  }

  get neighbour(): Neighbour {
    if (this.#neighbour === undefined) throw new Error('there is no neighbour');
    return this.#neighbour;
  }

  /** A file with these bytes, to be asked for by its hash. */
  #blob(bytes: Uint8Array): string {
    const path = join(this.dataDir, `blob-${hashOf(bytes).slice(-16)}`);
    writeFileSync(path, bytes);
    return path;
  }

  async #startNeighbour(): Promise<void> {
    this.#neighbourId = newId();
    const spec = { ...this.#spec(this.#neighbourId, this.#packagePath), maxOutputBytes: 64 << 20 };
    await this.units.create(spec);
    await this.units.exec(this.#neighbourId, 'ticks', this.#script(['tick', String(TICK_MS)]));
    for await (const record of this.units.follow(this.#neighbourId, 0, AbortSignal.timeout(PATIENCE_MS))) {
      if (record.type === 'need')
        await this.units.provide(this.#neighbourId, record.hash, { path: this.#packagePath });
      if (record.type === 'command-started' && record.index === 2) break;
      if (record.type === 'batch-finished') throw new Error(`no neighbour: ${JSON.stringify(record)}`);
    }
    this.#neighbour = new Neighbour(this.units, this.#neighbourId);
    await this.#warm();
    const calmMs = Date.now();
    await this.neighbour.until(CALM_TICKS, calmMs);
    this.#calmP99 = Math.max(TICK_MS, p99(this.neighbour.delays(calmMs, Infinity)));
  }

  /** Runs it to its end; ends the activity when it has not done that itself. */
  async #live(program: HostileProgram): Promise<{ ended: Ended; watched: Watched; containers: string[] }> {
    const activityId = newId();
    const packagePath = program.module === undefined ? this.#packagePath : this.#blob(program.module());
    const stdinPath = program.stdin === undefined ? undefined : this.#blob(program.stdin);
    const files = [packagePath, stdinPath].filter((file) => file !== undefined);
    await this.units.create(this.#spec(activityId, packagePath, program));
    const watched = new Watched(this.#supervisor(activityId), join(this.#directory(activityId), 'volumes'));
    try {
      await this.units.exec(activityId, 'harm', this.#script(program.args, program.stdin));
      const records = await this.#follow(activityId, files, async ({ type }) => {
        // One that has ended by itself has nobody to end it but us.
        if (type === 'batch-finished') await this.units.end(activityId, 'Completed');
      });
      const [stdout, stderr] = await Promise.all([
        this.#log(activityId, 'stdout'),
        this.#log(activityId, 'stderr'),
      ]);
      const handle = ofType(records, 'handle').at(-1)?.handle;
      const containers = this.#containersOf(handle);
      return { ended: { activityId, records, stdout, stderr }, watched, containers };
    } finally {
      await watched.stop();
      if (program.module !== undefined) rmSync(packagePath);
    }
  }

  async #follow(
    activityId: string,
    files: readonly string[],
    onRecord: (record: JournalRecord) => void | Promise<void>,
  ): Promise<JournalRecord[]> {
    const records: JournalRecord[] = [];
    const byHash = new Map(files.map((file) => [hashOf(readFileSync(file)), file]));
    for await (const record of this.units.follow(activityId, 0, AbortSignal.timeout(PATIENCE_MS))) {
      records.push(record);
      if (record.type === 'need') {
        await this.units.provide(activityId, record.hash, { path: byHash.get(record.hash) ?? '' });
      }
      await onRecord(record);
    }
    return records;
  }

  async #assertClean(activityId: string, containers: readonly string[]): Promise<void> {
    const directory = this.#directory(activityId);
    await assertClean(this.units, {
      activityId,
      directory,
      containers,
      asksEngine: this.runtime === 'docker',
    });
  }

  #spec(activityId: string, packagePath: string, program?: HostileProgram): ExeUnitSpec {
    const bytes = readFileSync(packagePath);
    return specOf(activityId, {
      runtime: this.runtime,
      package: { hash: hashOf(bytes), sizeBytes: bytes.length },
      resources: {
        cpuThreads: 1,
        memoryBytes: MEMORY_BYTES,
        storageBytes: STORAGE_BYTES,
        ...program?.resources,
      },
      limits: program?.limits ?? {},
      maxOutputBytes: program?.maxOutputBytes ?? OUTPUT_BYTES,
    });
  }

  #script(args: readonly string[], stdin?: Uint8Array): ExeScript {
    const run = { entry_point: '/hostile', args: [...args] };
    return [
      { deploy: {} },
      { start: {} },
      { run: { ...run, ...(stdin === undefined ? {} : { stdin: hashOf(stdin) }) } },
    ];
  }

  #containersOf(handle: string | undefined): string[] {
    return this.runtime === 'docker' && handle !== undefined ? [containerOf(handle)] : [];
  }

  #directory(activityId: string): string {
    return join(this.dataDir, 'activities', activityId);
  }

  #supervisor(activityId: string): number {
    const file = join(this.#directory(activityId), 'supervisor.json');
    return Number(JSON.parse(readFileSync(file, 'utf8')).pid);
  }

  #supervisorBytes(program: HostileProgram): number {
    const calm = peakOf(this.#supervisor(this.#neighbourId));
    // A module is read whole, and its rewritten copy stands beside it.
    return SUPERVISOR_FACTOR * calm + 4 * (program.module?.().length ?? 0);
  }

  async #log(activityId: string, stream: 'stdout' | 'stderr'): Promise<string> {
    const { bytes } = await this.units.readLog(activityId, stream, 0, 65_536);
    return Buffer.from(bytes).toString('latin1');
  }
}

/** Of a container; small, so that a test that reaches it is quick. */
export const PIDS_LIMIT = 64;

export function hashOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function containerOf(handle: string): string {
  return String(JSON.parse(handle).container);
}
