import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalTail } from '../../src/exe-unit/journal/tail.ts';
import { JournalWriter } from '../../src/exe-unit/journal/writer.ts';
import { Supervisor } from '../../src/exe-unit/supervisor/supervisor.ts';
import type { ExeUnitSpec, JournalRecord } from '../../src/interface/exe-unit.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { ofType, specOf } from './exe-units.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';

/** A supervisor in this process, on a clock and a runtime of the test's, with a real journal and real logs. */
export class Supervised {
  readonly clock = new FakeClock();
  readonly runtime = new FakeRuntime();
  readonly supervisor: Supervisor;
  readonly #directory: string;
  readonly #journal: JournalWriter;

  private constructor(parts: {
    clock: FakeClock;
    runtime: FakeRuntime;
    supervisor: Supervisor;
    directory: string;
    journal: JournalWriter;
  }) {
    this.clock = parts.clock;
    this.runtime = parts.runtime;
    this.supervisor = parts.supervisor;
    this.#directory = parts.directory;
    this.#journal = parts.journal;
  }

  static async create(overrides: Partial<ExeUnitSpec> = {}): Promise<Supervised> {
    const directory = mkdtempSync(join(tmpdir(), 'ergon-supervisor-'));
    mkdirSync(join(directory, 'volumes'));
    const clock = new FakeClock();
    const runtime = new FakeRuntime();
    const spec = specOf('a1', { runtime: 'fake', deadline: clock.now() + 10_000_000, ...overrides });
    const journal = await JournalWriter.create(join(directory, 'journal.ndjson'), clock);
    journal.append({ type: 'created', spec });
    const logger = silentLogger;
    const supervisor = await Supervisor.create(spec, directory, { clock, logger, runtime, journal });
    supervisor.start();
    return new Supervised({ clock, runtime, supervisor, directory, journal });
  }

  async discard(): Promise<void> {
    this.runtime.hangs = false;
    this.runtime.fail = {};
    await this.supervisor.end('Completed');
    await this.supervisor.done;
    await this.#journal.close();
    rmSync(this.#directory, { recursive: true });
  }

  async records(): Promise<JournalRecord[]> {
    const all: JournalRecord[] = [];
    for await (const record of new JournalTail(join(this.#directory, 'journal.ndjson')).read())
      all.push(record);
    return all;
  }

  /** Until the journal has such a record: real files are behind it, so the fake clock alone does not do. */
  async until(matches: (record: JournalRecord) => boolean): Promise<JournalRecord[]> {
    for (;;) {
      const all = await this.records();
      if (all.some(matches)) return all;
      await this.clock.settle();
    }
  }

  /** The states that were reached, in order, each with who held the activity. */
  async states(): Promise<string[]> {
    return ofType(await this.records(), 'state')
      .filter(({ pending }) => pending === undefined)
      .map(({ state, holds = [] }) => [state, ...holds].join(' '));
  }
}

export const batchFinished =
  (batchId: string) =>
  (record: JournalRecord): boolean =>
    record.type === 'batch-finished' && record.batchId === batchId;
export const reached =
  (state: string) =>
  (record: JournalRecord): boolean =>
    record.type === 'state' && record.state === state && record.pending === undefined;
