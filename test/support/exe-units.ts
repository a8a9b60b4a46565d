import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { exeUnits, runtimeRegistry } from '../../src/exe-unit/index.ts';
import type { ExeScript } from '../../src/interface/exe-script.ts';
import type { ExeUnits, ExeUnitSpec, JournalRecord } from '../../src/interface/exe-unit.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';

/** A daemon's worth of supervisors, as real processes, under a directory of their own. */
export async function realExeUnits(dataDir: string, warm: Record<string, number> = {}): Promise<ExeUnits> {
  const components = { clock: systemClock(), logger: silentLogger };
  return exeUnits({ dataDir, warm }, { ...components, runtimes: await runtimeRegistry({}, components) });
}

export interface ExeUnitsOfTest {
  readonly dataDir: string;
  readonly units: ExeUnits;
}

/** A daemon's worth of supervisors for each test of a file, gone with it; `isStarted: false` leaves the start to the test. */
export function exeUnitsForEach(take: (made: ExeUnitsOfTest) => void, { isStarted = true } = {}): void {
  let made: ExeUnitsOfTest | undefined;
  beforeEach(async () => {
    const dataDir = temporaryDataDir();
    made = { dataDir, units: await realExeUnits(dataDir) };
    if (isStarted) await made.units.start();
    take(made);
  });
  afterEach(async () => {
    await made?.units.stop();
    if (made !== undefined) removeDataDir(made.dataDir);
  });
}

export function temporaryDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'ergon-data-'));
}

/** Ends every supervisor of the directory, whatever it is doing, and removes the directory. */
export function removeDataDir(dataDir: string): void {
  removeProcesses(dataDir);
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
}

export function removeProcesses(dataDir: string): void {
  for (const pid of supervisorPids(dataDir)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}

/** Live processes whose command line names the directory. */
export function supervisorPids(dataDir: string): number[] {
  return processesWith((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(dataDir));
}

/** Live workload processes: the mock runtime starts them in the activity's volume. */
export function processesWith(matches: (pid: number) => boolean): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return pid !== process.pid && matches(pid);
      } catch {
        return false;
      }
    });
}

export function specOf(activityId: string, overrides: Partial<ExeUnitSpec> = {}): ExeUnitSpec {
  return {
    activityId,
    agreementId: 'agreement-1',
    runtime: 'mock',
    resources: { cpuThreads: 1, memoryBytes: 64 << 20, storageBytes: 64 << 20 },
    limits: {},
    maxOutputBytes: 1 << 20,
    // The same for everyone who asks for this activity.
    deadline: 4_102_444_800_000,
    sampleIntervalMs: 1000,
    ...overrides,
  };
}

/** deploy, start, and then these. */
export function script(...commands: ExeScript): ExeScript {
  return [{ deploy: {} }, { start: {} }, ...commands];
}

export function run(entryPoint: string, ...args: string[]): ExeScript[number] {
  return { run: { entry_point: entryPoint, args } };
}

export type RecordOf<T extends JournalRecord['type']> = Extract<JournalRecord, { type: T }>;

export function ofType<T extends JournalRecord['type']>(
  records: readonly JournalRecord[],
  type: T,
): RecordOf<T>[] {
  return records.filter((record): record is RecordOf<T> => record.type === type);
}

/** Follows until `enough`, or the end. */
export async function followUntil(
  units: ExeUnits,
  activityId: string,
  enough: (record: JournalRecord) => boolean,
): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of units.follow(activityId, 0, AbortSignal.timeout(50_000))) {
    records.push(record);
    if (enough(record)) return records;
  }
  return records;
}

export function followToEnd(units: ExeUnits, activityId: string): Promise<JournalRecord[]> {
  return followUntil(units, activityId, () => false);
}

export async function wholeLog(
  units: ExeUnits,
  activityId: string,
  stream: 'stdout' | 'stderr',
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let offset = 0; ;) {
    const slice = await units.readLog(activityId, stream, offset, 1 << 20);
    chunks.push(slice.bytes);
    offset += slice.bytes.length;
    if (slice.final || slice.bytes.length === 0) return Buffer.concat(chunks);
  }
}
