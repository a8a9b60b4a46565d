import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Holder, LogSlice, LogStream } from '../interface/activity.ts';
import type { Clock } from '../interface/clock.ts';
import { isErgonError } from '../interface/errors.ts';
import type { ExeUnitRuntime, ReapScope } from '../interface/exe-unit-runtime.ts';
import type { ExeScript } from '../interface/exe-script.ts';
import type {
  ExeUnits,
  ExeUnitSpec,
  JournalRecord,
  NeedAnswer,
  NeedProgress,
  SupervisorStatus,
} from '../interface/exe-unit.ts';
import type { Logger } from '../interface/logger.ts';
import type { Reason } from '../interface/values.ts';
import type { ActivityNetworks, DeployNetwork } from '../interface/vpn.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { delay } from '../util/delay.ts';
import { closeJournal } from './client/close.ts';
import { request, type Answer } from './client/connection.ts';
import { followJournal } from './client/follow.ts';
import { KeyedLock } from './client/keyed-lock.ts';
import { networksIn, openConnection, openPackets } from './client/networks.ts';
import { launchSupervisor, type IdleSupervisor } from './client/launcher.ts';
import { supervisorStatus } from './client/status.ts';
import { WarmPool } from './client/warm-pool.ts';
import {
  activityIds,
  createdSpec,
  discard,
  Ends,
  isActivityId,
  isThere,
  makeActivitiesDirectory,
  outputBlobPath,
  readLogSlice,
  sweep,
} from './client/work-directories.ts';
import { ExeUnitError } from './errors.ts';
import { JournalTail } from './journal/tail.ts';
import { activitiesDirectory, workDirectory, workPaths } from './paths.ts';
import type { RuntimeRegistry } from './registry.ts';
import { checkSpec } from './schemas.ts';
import { SOCKET_NAME } from './socket/directory-socket.ts';
import type { Request } from './socket/protocol.ts';

const EXEC_TIMEOUT_MS = 30_000;
/** A runtime may have to ask its engine. */
const SUSPEND_TIMEOUT_MS = 30_000;
/** Longer than a supervisor waits for a runtime that hangs. */
const END_TIMEOUT_MS = 120_000;
/** The supervisor reads and hashes the whole blob. */
const PROVIDE_TIMEOUT_MS = 3_600_000;
const EXIT_POLL_MS = 20;
const EXIT_POLLS = 500;
const ENDING_POLLS = 100;

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

export interface LocalExeUnits extends ExeUnits, ActivityNetworks {
  /** Resolves when the warm pool is as full as it gets. */
  warmed(): Promise<void>;
}

/** The daemon's side of its supervisors. It keeps nothing of its own: the work directories say it all. */
export function exeUnits(init: ExeUnitsInit, components: ExeUnitsComponents): LocalExeUnits {
  return new SupervisorClients(init, components);
}

class SupervisorClients implements LocalExeUnits {
  readonly #dataDir: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #runtimes: RuntimeRegistry;
  readonly #pool: WarmPool;
  readonly #lock = new KeyedLock();
  readonly #ends = new Ends();

  constructor(init: ExeUnitsInit, { clock, logger, runtimes }: ExeUnitsComponents) {
    this.#dataDir = init.dataDir;
    this.#clock = clock;
    this.#logger = logger;
    this.#runtimes = runtimes;
    this.#pool = new WarmPool(init.warm, { clock, logger, launch: (runtime) => this.#launch(runtime, true) });
  }

  async start(): Promise<void> {
    await makeActivitiesDirectory(this.#dataDir);
    await sweep(this.#dataDir, this.#clock);
    this.#pool.start();
  }

  async stop(): Promise<void> {
    await this.#pool.stop();
  }

  async warmed(): Promise<void> {
    await this.#pool.settled();
  }

  async list(): Promise<string[]> {
    return activityIds(this.#dataDir);
  }

  async create(spec: ExeUnitSpec): Promise<void> {
    const checked = checkSpec(spec);
    const directory = workDirectory(this.#dataDir, checked.activityId);
    await this.#lock.run(checked.activityId, async () => {
      if (await isThere(directory)) {
        await expectSameSpec(directory, checked);
        await this.#untilItListens(directory);
        return;
      }
      // Loads it here too: a runtime that does not exist is refused before a process is spent on it.
      await this.#runtimes.load(checked.runtime);
      const warm = this.#pool.take(checked.runtime);
      if (
        warm !== undefined &&
        (await this.#adopt(warm, checked, directory).then(
          () => true,
          () => isThere(directory),
        ))
      )
        return;
      await this.#adopt(await this.#launch(checked.runtime, false), checked, directory);
    });
  }

  /** A supervisor takes its directory's name a moment before it listens there; a daemon may have died in between. */
  async #untilItListens(directory: string): Promise<void> {
    for (let poll = 0; poll < ENDING_POLLS; poll += 1) {
      if (await isThere(join(directory, SOCKET_NAME))) return;
      if (await this.#ends.hasEnded(directory)) return;
      await delay(this.#clock, EXIT_POLL_MS);
    }
  }

  async exec(activityId: string, batchId: string, script: ExeScript): Promise<void> {
    try {
      await this.#ask(activityId, { op: 'exec', batchId, script }, EXEC_TIMEOUT_MS);
    } catch (error) {
      const over = isErgonError(error, 'ERR_EXE_UNIT_ENDED', 'ERR_EXE_UNIT_GONE');
      if (!over || !(await this.#hasBatch(activityId, batchId))) throw error;
    }
  }

  async provide(
    activityId: string,
    hash: string,
    result: { path: string } | { error: Reason },
  ): Promise<void> {
    await this.#ask(activityId, { op: 'provide', hash, result }, PROVIDE_TIMEOUT_MS).catch(ignoreEnded);
  }

  async answer(activityId: string, batchId: string, index: number, answer: NeedAnswer): Promise<void> {
    await this.#ask(activityId, { op: 'answer', batchId, index, answer }, PROVIDE_TIMEOUT_MS).catch(
      ignoreEnded,
    );
  }

  async report(activityId: string, batchId: string, index: number, progress: NeedProgress): Promise<void> {
    await this.#ask(activityId, { op: 'report', batchId, index, progress }, EXEC_TIMEOUT_MS).catch(
      ignoreEnded,
    );
  }

  async suspend(activityId: string, by: Holder): Promise<void> {
    await this.#ask(activityId, { op: 'suspend', by }, SUSPEND_TIMEOUT_MS);
  }

  async resume(activityId: string, by: Holder): Promise<void> {
    await this.#ask(activityId, { op: 'resume', by }, SUSPEND_TIMEOUT_MS);
  }

  async cancelBatch(activityId: string, batchId: string): Promise<void> {
    await this.#ask(activityId, { op: 'cancel', batchId }, EXEC_TIMEOUT_MS).catch(ignoreEnded);
  }

  async end(activityId: string, state: 'Completed' | 'Terminated', reason?: Reason): Promise<void> {
    const message: Request = { op: 'end', state, ...(reason === undefined ? {} : { reason }) };
    await this.#ask(activityId, message, END_TIMEOUT_MS)
      .catch(ignoreEnded)
      .catch((error: unknown) => this.#unlessItEnds(activityId, error));
  }

  /** Nobody listens any more when a supervisor is ending by itself: what is asked for is about to be in its journal. */
  async #unlessItEnds(activityId: string, error: unknown): Promise<void> {
    if (!isErgonError(error, 'ERR_EXE_UNIT_UNKNOWN')) throw error;
    const directory = await this.#directoryOf(activityId);
    for (let poll = 0; poll < ENDING_POLLS; poll += 1) {
      if (await this.#ends.hasEnded(directory)) return;
      await delay(this.#clock, EXIT_POLL_MS);
    }
    throw error;
  }

  async *follow(activityId: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<JournalRecord> {
    yield* followJournal(await this.#directoryOf(activityId), afterSeq, signal, this.#clock);
  }

  async close(activityId: string, reason: Reason): Promise<void> {
    const directory = await this.#directoryOf(activityId);
    await this.#lock.run(activityId, async () => {
      const status = await supervisorStatus(directory, this.#clock);
      if (status === 'alive')
        throw new ExeUnitError('ERR_EXE_UNIT_ALIVE', `the supervisor of ${activityId} lives`, { activityId });
      if (status === 'unknown') {
        throw new ExeUnitError('ERR_EXE_UNIT_UNKNOWN', `the supervisor of ${activityId} may live`, {
          activityId,
        });
      }
      await closeJournal(directory, reason, {
        clock: this.#clock,
        logger: this.#logger,
        loadRuntime: (name) => this.#runtimes.load(name),
      });
    });
  }

  async status(activityId: string): Promise<SupervisorStatus> {
    return supervisorStatus(await this.#directoryOf(activityId), this.#clock);
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
      await this.#untilGone(activityId, directory);
      this.#ends.forget(directory);
      await discard(this.#dataDir, activityId, directory);
    });
  }

  async reap(nodeId: string, graceMs: number): Promise<void> {
    const scope = {
      nodeId,
      graceMs,
      activitiesDirectory: activitiesDirectory(this.#dataDir),
      isLive: (activityId: string) => this.#isLive(activityId),
    };
    for (const { name } of this.#runtimes.descriptors) {
      await reapOf(await this.#runtimes.load(name).catch(() => undefined), scope, this.#logger);
    }
  }

  /** It has a work directory, and no end in its journal: all that a runtime made for it may be in use. */
  async #isLive(activityId: string): Promise<boolean> {
    if (!isActivityId(activityId)) return false;
    const directory = workDirectory(this.#dataDir, activityId);
    return (await isThere(directory)) && !(await this.#ends.hasEnded(directory));
  }

  async #ask(activityId: string, message: Request, timeoutMs: number): Promise<Answer> {
    const directory = await this.#directoryOf(activityId);
    try {
      return await request(directory, message, timeoutMs, this.#clock);
    } catch (error) {
      if (!isErgonError(error, 'ERR_EXE_UNIT_UNKNOWN')) throw error;
      if ((await supervisorStatus(directory, this.#clock)) !== 'gone') throw error;
      if (await this.#ends.hasEnded(directory)) {
        throw new ExeUnitError('ERR_EXE_UNIT_ENDED', `the activity ${activityId} has ended`, { activityId });
      }
      throw new ExeUnitError(
        'ERR_EXE_UNIT_GONE',
        `the supervisor of ${activityId} is dead`,
        { activityId },
        { cause: error },
      );
    }
  }

  async #hasBatch(activityId: string, batchId: string): Promise<boolean> {
    const tail = new JournalTail(workPaths(await this.#directoryOf(activityId)).journal);
    for await (const record of tail.read())
      if (record.type === 'batch' && record.batchId === batchId) return true;
    return false;
  }

  /** An ended supervisor clears up before it exits. */
  async #untilGone(activityId: string, directory: string): Promise<void> {
    for (let poll = 0; poll < EXIT_POLLS; poll += 1) {
      if ((await supervisorStatus(directory, this.#clock)) === 'gone') return;
      await delay(this.#clock, EXIT_POLL_MS);
    }
    throw new ExeUnitError(
      'ERR_EXE_UNIT_ALIVE',
      `the supervisor of ${activityId} has ended it but does not exit`,
      { activityId },
    );
  }

  async #directoryOf(activityId: string): Promise<string> {
    const directory = workDirectory(this.#dataDir, activityId);
    if (await isThere(directory)) return directory;
    throw new ExeUnitError('ERR_EXE_UNIT_NOT_FOUND', `there is no work directory of activity ${activityId}`, {
      activityId,
    });
  }

  async #adopt(idle: IdleSupervisor, spec: ExeUnitSpec, directory: string): Promise<void> {
    try {
      await idle.adopt(spec, directory);
    } catch (error) {
      void idle.dismiss();
      throw error;
    }
  }

  #launch(runtime: string, warm: boolean): Promise<IdleSupervisor> {
    const { runtimeRoots, options } = this.#runtimes.settings;
    return launchSupervisor(
      { dataDir: this.#dataDir, runtimeRoots, runtimeOptions: options },
      runtime,
      warm,
      this.#clock,
    );
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

/** A runtime that cannot say now what is left of it is asked again at the next turn. */
async function reapOf(runtime: ExeUnitRuntime | undefined, scope: ReapScope, logger: Logger): Promise<void> {
  if (runtime?.reap === undefined) return;
  const { name } = runtime.descriptor;
  try {
    const { removed } = await runtime.reap(scope);
    if (removed.length > 0) logger.warn({ runtime: name, removed }, 'removed what belonged to no activity');
  } catch (error) {
    logger.info({ runtime: name, err: error }, 'what is left over is not known now; asked again later');
  }
}

function ignoreEnded(error: unknown): void {
  if (!isErgonError(error, 'ERR_EXE_UNIT_ENDED')) throw error;
}
