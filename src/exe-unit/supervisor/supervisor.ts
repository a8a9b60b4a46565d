import type { ActivityState, Holder } from '../../interface/activity.ts';
import type { Clock } from '../../interface/clock.ts';
import type { ExeScript } from '../../interface/exe-script.ts';
import type { ExeUnitRuntime } from '../../interface/exe-unit-runtime.ts';
import type { ExeUnitSpec, NeedAnswer, NeedProgress } from '../../interface/exe-unit.ts';
import type { Logger } from '../../interface/logger.ts';
import type { Reason } from '../../interface/values.ts';
import { delay } from '../../util/delay.ts';
import { canonicalJson } from '../../util/canonical-json.ts';
import { sha256 } from '../../util/sha256.ts';
import { ExeUnitError } from '../errors.ts';
import type { JournalWriter } from '../journal/writer.ts';
import { workPaths } from '../paths.ts';
import { limitExceeded, reason } from '../reasons.ts';
import { removeScratch } from '../scratch.ts';
import { commandKey } from './daemon-requests.ts';
import { deployedHandle, unlessAbandoned, type SupervisorContext } from './context.ts';
import { runBatch, type BatchRequest } from './executor.ts';
import { Lifecycle } from './lifecycle.ts';
import { Meter } from './meter.ts';
import { Needs } from './needs.ts';
import { OutputLog } from './output-log.ts';
import { Suspension } from './suspension.ts';
import { Watchdog } from './watchdog.ts';
import { WorkClock } from './work-clock.ts';

/** How long a runtime may take to kill a workload before its activity ends without it. */
const ABANDON_AFTER_MS = 30_000;
const DESTROY_RETRY_MS = [200, 1000, 5000];

export interface SupervisorComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtime: ExeUnitRuntime;
  readonly journal: JournalWriter;
}

/** One activity: its script, its streams, its limits, its end. Everything that matters stands in its journal. */
export class Supervisor {
  readonly #context: SupervisorContext;
  readonly #batches = new Map<string, string>();
  readonly #ending = new AbortController();
  readonly #abandoned = new AbortController();
  readonly #ended = Promise.withResolvers<undefined>();
  readonly #done: Promise<void>;
  #endReason: Reason | undefined;
  #end: Promise<void> | undefined;
  #batch: { readonly id: string; readonly cancel: AbortController; readonly done: Promise<void> } | undefined;

  private constructor(context: Omit<SupervisorContext, 'ending' | 'suspension'>) {
    const endReason = (): Reason | undefined => this.#endReason;
    const ending = {
      signal: this.#ending.signal,
      abandoned: this.#abandoned.signal,
      get reason() {
        return endReason();
      },
    };
    const suspension = new Suspension({
      ...context,
      handle: () => deployedHandle(context),
      unlessAbandoned: (promise) => unlessAbandoned(ending, promise),
    });
    this.#context = { ...context, ending, suspension };
    this.#done = this.#ended.promise.then(() => removeScratch(context.paths, context.logger));
    // Whoever asks sees the failure; nobody asking must not be one itself.
    this.#done.catch(() => undefined);
  }

  /** In a work directory whose journal begins with the `created` record of this specification. */
  static async create(
    spec: ExeUnitSpec,
    directory: string,
    components: SupervisorComponents,
  ): Promise<Supervisor> {
    const paths = workPaths(directory);
    const { clock, journal, logger } = components;
    const late: { onLimit?: (reason: Reason) => void } = {};
    const onLimit = (why: Reason): void => late.onLimit?.(why);
    const onOverflow = (wanted: number): void =>
      onLimit(limitExceeded('output', spec.maxOutputBytes, wanted));
    const workClock = new WorkClock(clock);
    const meter = new Meter({ clock: workClock, journal, logger });
    const supervisor = new Supervisor({
      ...components,
      spec,
      paths,
      workClock,
      meter,
      onLimit,
      lifecycle: new Lifecycle(journal),
      needs: new Needs(paths.inputs),
      watchdog: new Watchdog(spec, { clock, workClock, meter, onLimit }),
      stdout: await OutputLog.create(paths.stdout, spec.maxOutputBytes, onOverflow),
      stderr: await OutputLog.create(paths.stderr, spec.maxOutputBytes, onOverflow),
      deployment: { handle: undefined, attempts: 0 },
    });
    late.onLimit = (why) => void supervisor.end('Terminated', why);
    return supervisor;
  }

  /** Begins to watch the deadline. */
  start(): void {
    this.#context.watchdog.watchDeadline();
  }

  get state(): ActivityState {
    return this.#context.lifecycle.state;
  }

  /** Resolves after the end, when all is written and cleared up; rejects when the end itself failed. */
  get done(): Promise<void> {
    return this.#done;
  }

  /**
   * Journals the script and begins it; idempotent by batchId.
   * @throws ExeUnitError ERR_EXE_UNIT_BUSY, ERR_EXE_UNIT_ENDED, ERR_EXE_UNIT_CONFLICT
   */
  async exec(batchId: string, script: ExeScript): Promise<void> {
    const { journal, lifecycle } = this.#context;
    const digest = sha256(canonicalJson(script)).toString('hex');
    const known = this.#batches.get(batchId);
    if (known !== undefined && known !== digest) {
      throw new ExeUnitError('ERR_EXE_UNIT_CONFLICT', `batch ${batchId} has another script already`, {
        batchId,
      });
    }
    if (known === undefined) {
      if (lifecycle.ending)
        throw new ExeUnitError('ERR_EXE_UNIT_ENDED', 'the activity has ended', { batchId });
      if (this.#batch !== undefined)
        throw new ExeUnitError('ERR_EXE_UNIT_BUSY', 'another batch is running', { batchId });
      journal.append({ type: 'batch', batchId, script });
      this.#batches.set(batchId, digest);
      const cancel = new AbortController();
      const done = this.#run({ batchId, script, canceled: cancel.signal });
      this.#batch = { id: batchId, cancel, done };
    }
    await journal.sync();
  }

  /** Ends the batch where it is, if it has not finished. @throws ExeUnitError ERR_EXE_UNIT_BATCH_NOT_FOUND */
  async cancel(batchId: string): Promise<void> {
    if (!this.#batches.has(batchId)) {
      throw new ExeUnitError('ERR_EXE_UNIT_BATCH_NOT_FOUND', `there is no batch ${batchId}`, { batchId });
    }
    if (this.#batch?.id === batchId) this.#batch.cancel.abort();
  }

  /** @throws ExeUnitError ERR_EXE_UNIT_SUSPEND_UNSUPPORTED, ERR_EXE_UNIT_ENDED */
  async suspend(by: Holder): Promise<void> {
    await this.#context.suspension.hold(by);
    await this.#context.journal.sync();
  }

  /** @throws ExeUnitError ERR_EXE_UNIT_ENDED */
  async resume(by: Holder): Promise<void> {
    await this.#context.suspension.release(by);
    await this.#context.journal.sync();
  }

  /** @throws ExeUnitError ERR_EXE_UNIT_HASH_MISMATCH */
  async provide(hash: string, result: { path: string } | { error: Reason }): Promise<void> {
    await this.#context.needs.provide(hash, result);
  }

  /** @throws ExeUnitError ERR_EXE_UNIT_HASH_MISMATCH */
  async answer(batchId: string, index: number, answer: NeedAnswer): Promise<void> {
    await this.#context.needs.answer(commandKey(batchId, index), answer);
  }

  async report(batchId: string, index: number, { done, total, message }: NeedProgress): Promise<void> {
    this.#context.needs.report(commandKey(batchId, index), done, total, message);
  }

  /** Kills the workload and ends the activity. Whoever comes second waits for the first. */
  end(state: 'Completed' | 'Terminated', why?: Reason): Promise<void> {
    this.#end ??= this.#finish(state, why).then(
      () => this.#ended.resolve(undefined),
      (error: unknown) => this.#ended.reject(error),
    );
    return this.#ended.promise;
  }

  /** The supervisor itself has failed: no record, only the workload's death. */
  async kill(): Promise<void> {
    await this.#clear();
  }

  async #run(request: BatchRequest): Promise<void> {
    const { batchId } = request;
    const { journal, needs, logger } = this.#context;
    // After the caller's own synchronous part, so that `exec` has recorded the batch first.
    await journal.sync();
    const terminate = await runBatch(this.#context, request);
    await needs
      .clear()
      .catch((error: unknown) => logger.warn({ error: String(error) }, 'inputs cannot be removed'));
    // In one go: who reads that the batch has finished may send the next one, and none after `terminate`.
    journal.append({ type: 'batch-finished', batchId });
    this.#batch = undefined;
    if (terminate) void this.end('Completed');
    await journal.sync();
  }

  async #finish(state: 'Completed' | 'Terminated', why: Reason | undefined): Promise<void> {
    const { lifecycle, watchdog, meter, journal, stdout, stderr, clock, deployment, runtime } = this.#context;
    lifecycle.beginEnd(state, why);
    this.#endReason = why ?? reason('Requestor', 'the activity was ended');
    watchdog.stop();
    this.#ending.abort();
    const cancel = clock.setTimer(() => this.#abandoned.abort(), ABANDON_AFTER_MS);
    const { handle } = deployment;
    if (handle !== undefined) await this.#attempt('stop', () => runtime.stop(handle));
    await this.#batch?.done;
    cancel();
    await meter.sample();
    await this.#destroy();
    lifecycle.commitEnd(why);
    await journal.sync();
    await Promise.all([stdout.close(), stderr.close()]);
  }

  async #destroy(): Promise<void> {
    for (const waitMs of [0, ...DESTROY_RETRY_MS]) {
      if (waitMs > 0) await delay(this.#context.clock, waitMs);
      if (await this.#clear()) return;
    }
  }

  /** Nothing of the deployment is left after it, or of one that never came to a handle. */
  #clear(): Promise<boolean> {
    const { deployment, runtime, spec, paths } = this.#context;
    const { handle, attempts } = deployment;
    const place = { activityId: spec.activityId, workDir: paths.directory };
    return this.#attempt('destroy', async () => {
      if (handle !== undefined) await runtime.destroy(handle);
      else if (attempts > 0) await runtime.discard?.(place);
    });
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    const { logger } = this.#context;
    try {
      await work();
      return true;
    } catch (error) {
      logger.error({ what, error: String(error) }, 'runtime failed at the end of the activity');
      return false;
    }
  }
}
