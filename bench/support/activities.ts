import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { exeUnits, runtimeRegistry, type LocalExeUnits } from '../../src/exe-unit/index.ts';
import type { ExeScript } from '../../src/interface/exe-script.ts';
import type { TaskPackage } from '../../src/interface/activity.ts';
import { systemClock } from '../../src/util/clock.ts';
import { newId } from '../../src/util/id.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import type { BenchContext } from './bench.ts';
import type { Subject } from './compare.ts';

type Run = Extract<ExeScript[number], { run: unknown }>;

const HOUR_MS = 3_600_000;
const MIB = 1 << 20;

export interface BenchProgram {
  /** `wasi` unless given. */
  readonly runtime?: 'wasi' | 'docker';
  readonly path: string;
  readonly package: TaskPackage;
  /** What its agreement would have a price for. */
  readonly counters?: string[];
}

/** Supervisors with the real runtimes, so many kept warm, as a provider's daemon has them. */
export async function provider(
  { dir, defer }: BenchContext,
  warm: Readonly<Record<string, number>> = { wasi: 1 },
): Promise<LocalExeUnits> {
  const components = { clock: systemClock(), logger: silentLogger };
  const runtimes = await runtimeRegistry({}, components);
  const units = exeUnits({ dataDir: join(dir, 'provider'), warm }, { ...components, runtimes });
  await units.start();
  defer(async () => {
    for (const id of await units.list())
      await units.end(id, 'Terminated', { code: 'Provider', message: 'the benchmark is over' });
    await units.stop();
  });
  return units;
}

/** One activity with a program of ours as its package. */
export class BenchActivity {
  readonly id = newId();
  readonly #units: LocalExeUnits;
  readonly #program: BenchProgram;
  /** By batch: resolved when it has finished, rejected when it went wrong. */
  readonly #batches = new Map<string, PromiseWithResolvers<undefined>>();
  #ended: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #endsItself = false;

  constructor(units: LocalExeUnits, program: BenchProgram) {
    this.#units = units;
    this.#program = program;
  }

  async create(): Promise<void> {
    await this.#units.create({
      activityId: this.id,
      agreementId: 'bench',
      runtime: this.#program.runtime ?? 'wasi',
      package: this.#program.package,
      ...(this.#program.counters !== undefined && { counters: this.#program.counters }),
      resources: { cpuThreads: 1, memoryBytes: 64 * MIB, storageBytes: 16 * MIB },
      limits: {},
      maxOutputBytes: 1024 * MIB,
      deadline: Date.now() + HOUR_MS,
      sampleIntervalMs: 1000,
    });
    this.#ended = this.#follow();
  }

  /** With its script for a whole life handed over, which ends by itself. */
  static async whole(units: LocalExeUnits, program: BenchProgram, run: Run['run']): Promise<BenchActivity> {
    const activity = new BenchActivity(units, program);
    await activity.create();
    await activity.exec([{ deploy: {} }, { start: {} }, { run }, { terminate: {} }]);
    return activity;
  }

  /** Ready for its commands. */
  static async started(units: LocalExeUnits, program: BenchProgram): Promise<BenchActivity> {
    const activity = new BenchActivity(units, program);
    await activity.create();
    await (
      await activity.exec([{ deploy: {} }, { start: {} }])
    ).finished;
    return activity;
  }

  /** Resolves when the script is with the supervisor; `finished`, when it has run. */
  async exec(script: ExeScript): Promise<{ readonly finished: Promise<undefined> }> {
    const batchId = newId();
    const batch = Promise.withResolvers<undefined>();
    batch.promise.catch(() => undefined);
    this.#batches.set(batchId, batch);
    this.#endsItself ||= script.some((command) => 'terminate' in command);
    await this.#units.exec(this.id, batchId, script);
    return { finished: batch.promise };
  }

  /** Resolves when the command's result is in the journal. */
  async run(entry_point: string, ...args: string[]): Promise<void> {
    await (
      await this.exec([{ run: { entry_point, args } }])
    ).finished;
  }

  /** Runs a command and reads its stdout to the end from the log, meanwhile, as a client that follows it. */
  async runAndRead(entryPoint: string, ...args: string[]): Promise<number> {
    const over = new AbortController();
    const command = this.run(entryPoint, ...args).finally(() => over.abort());
    command.catch(() => undefined);
    for (let offset = 0; ;) {
      // Asked before the log is: what comes in between is still read.
      const isWhole = over.signal.aborted;
      const { bytes } = await this.#units.readLog(this.id, 'stdout', offset, MIB);
      offset += bytes.length;
      if (bytes.length > 0) continue;
      if (isWhole) return command.then(() => offset);
      await Promise.race([sleep(1), command]);
    }
  }

  /** Looks every millisecond. */
  async firstOutput(): Promise<void> {
    while ((await this.#units.readLog(this.id, 'stdout', 0, 64)).bytes.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      await sleep(1);
    }
  }

  /** Lets its scripts finish, ends it unless they did, and removes what it left. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#batches.values()].map(({ promise }) => promise));
    if (!this.#endsItself) await this.#units.end(this.id, 'Completed');
    await this.#ended;
    await this.#units.dispose(this.id);
  }

  async #follow(): Promise<void> {
    for await (const record of this.#units.follow(this.id, 0, AbortSignal.timeout(HOUR_MS))) {
      if (record.type === 'need')
        await this.#units.provide(this.id, record.hash, { path: this.#program.path });
      if (record.type === 'command-finished' && record.result.result === 'Error') {
        this.#failure = new Error(`a command failed: ${record.result.message ?? ''}`);
        this.#batches.get(record.batchId)?.reject(this.#failure);
      }
      if (record.type === 'batch-finished') this.#batches.get(record.batchId)?.resolve(undefined);
    }
  }
}

/** Work in an activity that is there already, a new one for each sample. */
export function inActivity(
  units: LocalExeUnits,
  program: BenchProgram,
  work: (activity: BenchActivity) => Promise<void>,
): Subject {
  let activity = new BenchActivity(units, program);
  return {
    prepare: async () => {
      await units.warmed();
      activity = await BenchActivity.started(units, program);
    },
    run: () => work(activity),
    after: () => activity.dispose(),
  };
}

export async function programAt(path: string): Promise<BenchProgram> {
  const bytes = await readFile(path);
  const hash = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { path, package: { hash, sizeBytes: bytes.length } };
}
