import { rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { Holder, LogSlice, LogStream } from '../interface/activity.ts';
import type { Clock } from '../interface/clock.ts';
import { isErgonError } from '../interface/errors.ts';
import type { ExeScript } from '../interface/exe-script.ts';
import type {
  ExeUnits,
  ExeUnitSpec,
  JournalRecord,
  NeedAnswer,
  NeedProgress,
  SupervisorStatus,
} from '../interface/exe-unit.ts';
import type { ActivityStanding } from '../interface/exe-unit-runtime.ts';
import type { Logger } from '../interface/logger.ts';
import type { Reason } from '../interface/values.ts';
import type { ActivityNetworks, DeployNetwork } from '../interface/vpn.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { closeJournal } from './client/close.ts';
import { followJournal } from './client/follow.ts';
import { KeyedLock } from './client/keyed-lock.ts';
import { networksIn, openConnection, openPackets } from './client/networks.ts';
import { reapLeftovers } from './client/reap.ts';
import { supervisorStatus } from './client/status.ts';
import { SupervisorLink } from './client/supervisor-link.ts';
import { SupervisorSource } from './client/supervisor-source.ts';
import {
  activityIds,
  createdSpec,
  discard,
  JournalEnds,
  isActivityId,
  isThere,
  makeActivitiesDirectory,
  outputBlobPath,
  readLogSlice,
  sweep,
} from './client/work-directories.ts';
import { ExeUnitError } from './errors.ts';
import { activitiesDirectory, workDirectory, workPaths } from './paths.ts';
import type { RuntimeRegistry } from './registry.ts';
import { checkSpec } from './schemas.ts';

const EXEC_TIMEOUT_MS = 30_000;
/** A runtime may have to ask its engine. */
const SUSPEND_TIMEOUT_MS = 30_000;
/** Longer than a supervisor waits for a runtime that hangs. */
const END_TIMEOUT_MS = 120_000;
/** The supervisor reads and hashes the whole blob. */
const PROVIDE_TIMEOUT_MS = 3_600_000;

export interface ExeUnitsInit {
  /** Absolute. Work directories lie in `<dataDir>/activities/<activityId>/`. */
  readonly dataDir: string;
  /** How many supervisors of each runtime are kept ready. */
  readonly warm: Readonly<Record<string, number>>;
}

export interface ExeUnitsComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtimes: RuntimeRegistry;
}

/** Activities whose supervisors are processes of this machine. */
export interface LocalExeUnits extends ExeUnits, ActivityNetworks {
  /** Resolves when the warm pool is as full as it gets. */
  warmed(): Promise<void>;
}

/** The daemon's side of its supervisors. It keeps nothing of its own: the work directories say it all. */
export function exeUnits(init: ExeUnitsInit, components: ExeUnitsComponents): LocalExeUnits {
  return new LocalSupervisors(init, components);
}

class LocalSupervisors implements LocalExeUnits {
  readonly #dataDir: string;
  readonly #components: ExeUnitsComponents;
  readonly #source: SupervisorSource;
  /** Making, closing and removing the same activity exclude each other. */
  readonly #lock = new KeyedLock();
  readonly #ends = new JournalEnds();

  constructor(init: ExeUnitsInit, components: ExeUnitsComponents) {
    this.#dataDir = init.dataDir;
    this.#components = components;
    this.#source = new SupervisorSource(init, components);
  }

  async start(): Promise<void> {
    await makeActivitiesDirectory(this.#dataDir);
    await sweep(this.#dataDir, this.#components.clock);
    this.#source.start();
  }

  async stop(): Promise<void> {
    await this.#source.stop();
  }

  async warmed(): Promise<void> {
    await this.#source.warmed();
  }

  async list(): Promise<string[]> {
    return activityIds(this.#dataDir);
  }

  async create(spec: ExeUnitSpec): Promise<void> {
    const checked = checkSpec(spec);
    const { activityId } = checked;
    const directory = workDirectory(this.#dataDir, activityId);
    await this.#lock.run(activityId, async () => {
      if (await isThere(directory)) {
        await expectSameSpec(directory, checked);
        await this.#linkTo(activityId, directory).untilListening();
      } else {
        await this.#source.supply(checked, directory);
      }
    });
  }

  async exec(activityId: string, batchId: string, script: ExeScript): Promise<void> {
    const link = await this.#link(activityId);
    try {
      await link.ask({ op: 'exec', batchId, script }, EXEC_TIMEOUT_MS);
    } catch (error) {
      const over = isErgonError(error, 'ERR_EXE_UNIT_ENDED', 'ERR_EXE_UNIT_GONE');
      if (!over || !(await link.hasBatch(batchId))) throw error;
    }
  }

  async provide(
    activityId: string,
    hash: string,
    result: { path: string } | { error: Reason },
  ): Promise<void> {
    const link = await this.#link(activityId);
    await link.askUnlessEnded({ op: 'provide', hash, result }, PROVIDE_TIMEOUT_MS);
  }

  async answer(activityId: string, batchId: string, index: number, answer: NeedAnswer): Promise<void> {
    const link = await this.#link(activityId);
    await link.askUnlessEnded({ op: 'answer', batchId, index, answer }, PROVIDE_TIMEOUT_MS);
  }

  async report(activityId: string, batchId: string, index: number, progress: NeedProgress): Promise<void> {
    const link = await this.#link(activityId);
    await link.askUnlessEnded({ op: 'report', batchId, index, progress }, EXEC_TIMEOUT_MS);
  }

  async suspend(activityId: string, by: Holder): Promise<void> {
    const link = await this.#link(activityId);
    await link.ask({ op: 'suspend', by }, SUSPEND_TIMEOUT_MS);
  }

  async resume(activityId: string, by: Holder): Promise<void> {
    const link = await this.#link(activityId);
    await link.ask({ op: 'resume', by }, SUSPEND_TIMEOUT_MS);
  }

  async cancelBatch(activityId: string, batchId: string): Promise<void> {
    const link = await this.#link(activityId);
    await link.askUnlessEnded({ op: 'cancel', batchId }, EXEC_TIMEOUT_MS);
  }

  async end(activityId: string, state: 'Completed' | 'Terminated', reason?: Reason): Promise<void> {
    const link = await this.#link(activityId);
    await link.end({ op: 'end', state, ...(reason === undefined ? {} : { reason }) }, END_TIMEOUT_MS);
  }

  async *follow(activityId: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<JournalRecord> {
    yield* followJournal(await this.#directoryOf(activityId), afterSeq, signal, this.#components.clock);
  }

  async close(activityId: string, reason: Reason): Promise<void> {
    const directory = await this.#directoryOf(activityId);
    const { clock, logger, runtimes } = this.#components;
    await this.#lock.run(activityId, async () => {
      await expectGone(activityId, directory, clock);
      await closeJournal(directory, reason, { clock, logger, loadRuntime: (name) => runtimes.load(name) });
    });
  }

  async status(activityId: string): Promise<SupervisorStatus> {
    return supervisorStatus(await this.#directoryOf(activityId), this.#components.clock);
  }

  async readLog(
    activityId: string,
    stream: LogStream,
    offset: number,
    maxBytes: number,
    ended = false,
  ): Promise<LogSlice> {
    const directory = await this.#directoryOf(activityId);
    // Asked before the size is read: what is written in between is then not called final.
    const isWhole = ended || (await this.#ends.hasEnded(directory));
    return readLogSlice(workPaths(directory)[stream], offset, maxBytes, isWhole);
  }

  async outputPath(activityId: string, hash: string): Promise<string | undefined> {
    return outputBlobPath(await this.#directoryOf(activityId), hash);
  }

  async dropOutput(activityId: string, hash: string): Promise<void> {
    const path = await this.outputPath(activityId, hash);
    if (path !== undefined) await rm(path, { force: true });
  }

  async networks(activityId: string): Promise<readonly DeployNetwork[]> {
    return networksIn(workDirectory(this.#dataDir, activityId));
  }

  async openPackets(activityId: string, index: number): Promise<Duplex> {
    return openPackets(workDirectory(this.#dataDir, activityId), index);
  }

  async openConnection(activityId: string, index: number, ip: string, port: number): Promise<Duplex> {
    return openConnection(workDirectory(this.#dataDir, activityId), index, { ip, port });
  }

  async dispose(activityId: string): Promise<void> {
    const directory = workDirectory(this.#dataDir, activityId);
    await this.#lock.run(activityId, async () => {
      if (!(await isThere(directory))) return;
      if (!(await this.#ends.hasEnded(directory))) {
        throw new ExeUnitError('ERR_EXE_UNIT_NOT_ENDED', `the activity ${activityId} has not ended`, {
          activityId,
        });
      }
      await this.#linkTo(activityId, directory).untilGone();
      this.#ends.forget(directory);
      await discard(this.#dataDir, activityId, directory);
    });
  }

  async reap(nodeId: string, graceMs: number): Promise<void> {
    const scope = {
      nodeId,
      graceMs,
      activitiesDirectory: activitiesDirectory(this.#dataDir),
      standingOf: (activityId: string) => this.#standingOf(activityId),
    };
    await reapLeftovers(scope, this.#components);
  }

  /** All that a runtime made for a live one may be in use; nothing is of one that has ended. */
  async #standingOf(activityId: string): Promise<ActivityStanding> {
    if (!isActivityId(activityId)) return 'unknown';
    const directory = workDirectory(this.#dataDir, activityId);
    if (!(await isThere(directory))) return 'unknown';
    return (await this.#ends.hasEnded(directory)) ? 'ended' : 'live';
  }

  async #link(activityId: string): Promise<SupervisorLink> {
    return this.#linkTo(activityId, await this.#directoryOf(activityId));
  }

  #linkTo(activityId: string, directory: string): SupervisorLink {
    return new SupervisorLink(activityId, directory, { clock: this.#components.clock, ends: this.#ends });
  }

  async #directoryOf(activityId: string): Promise<string> {
    const directory = workDirectory(this.#dataDir, activityId);
    if (await isThere(directory)) return directory;
    throw new ExeUnitError('ERR_EXE_UNIT_NOT_FOUND', `there is no work directory of activity ${activityId}`, {
      activityId,
    });
  }
}

/** Only a dead supervisor's journal may be written by somebody else. @throws ExeUnitError ERR_EXE_UNIT_ALIVE, ERR_EXE_UNIT_UNKNOWN */
async function expectGone(activityId: string, directory: string, clock: Clock): Promise<void> {
  const status = await supervisorStatus(directory, clock);
  if (status === 'alive')
    throw new ExeUnitError('ERR_EXE_UNIT_ALIVE', `the supervisor of ${activityId} lives`, { activityId });
  if (status === 'unknown') {
    throw new ExeUnitError('ERR_EXE_UNIT_UNKNOWN', `the supervisor of ${activityId} may live`, {
      activityId,
    });
  }
}

async function expectSameSpec(directory: string, spec: ExeUnitSpec): Promise<void> {
  const known = await createdSpec(directory);
  if (canonicalJson(known) === canonicalJson(spec)) return;
  throw new ExeUnitError(
    'ERR_EXE_UNIT_CONFLICT',
    `the activity ${spec.activityId} exists with another specification`,
    {
      activityId: spec.activityId,
    },
  );
}
