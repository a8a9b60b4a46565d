import { begin, commit, INITIAL_PAIR, isFinal, type ActivityPair } from '../../src/activity/machine.ts';
import {
  ErgonError,
  type Clock,
  type CommandResult,
  type ExeCommand,
  type ExeScript,
  type ExeUnits,
  type ExeUnitSpec,
  type Holder,
  type JournalEntry,
  type JournalRecord,
  type LogStream,
  type NeedAnswer,
  type NeedProgress,
  type Reason,
  type SupervisorStatus,
} from '../../src/interface/index.ts';

type RunStep = Extract<ExeCommand, { run: unknown }>['run'];

/** One supervisor with its work directory: it lives on when the daemon dies. */
export class FakeSupervisor {
  readonly spec: ExeUnitSpec;
  readonly journal: JournalRecord[] = [];
  readonly logs: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  readonly outputs = new Map<string, string>();
  /** What the daemon said to `fetch` and `deliver`, by `batchId/index`. */
  readonly answers = new Map<string, NeedAnswer>();
  readonly batchIds: string[] = [];
  /** How often each program was started: the proof that nothing runs twice. */
  readonly runs: string[] = [];
  status: SupervisorStatus = 'alive';
  /** Whether its runtime can freeze. */
  suspends = true;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #blobs = new Map<string, { path: string } | { error: Reason }>();
  readonly #held = new Map<string, () => void>();
  #pair: ActivityPair = INITIAL_PAIR;
  #holds: Holder[] = [];
  #usage = 0n;
  #batch: string | undefined;
  #canceled: string | undefined;

  constructor(spec: ExeUnitSpec, clock: Clock) {
    this.spec = spec;
    this.#clock = clock;
    this.append({ type: 'created', spec });
  }

  append(entry: JournalEntry): void {
    this.journal.push({ seq: this.journal.length + 1, at: this.#clock.now(), ...entry });
    this.wake();
  }

  wake(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#listeners.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#listeners.add(done);
      signal.addEventListener('abort', done);
    });
  }

  get ended(): boolean {
    return isFinal(this.#pair.state);
  }

  kill(): void {
    this.status = 'gone';
    this.wake();
  }

  /** Lets programs named `hold:<name>` go on. */
  release(name: string): void {
    this.#held.get(name)?.();
  }

  exec(batchId: string, script: ExeScript): void {
    if (this.batchIds.includes(batchId)) return;
    if (this.ended) throw new ErgonError('ERR_EXE_UNIT_ENDED', 'ended');
    if (this.#batch !== undefined) throw new ErgonError('ERR_EXE_UNIT_BUSY', 'busy');
    this.batchIds.push(batchId);
    this.#batch = batchId;
    this.append({ type: 'batch', batchId, script });
    void this.#run(batchId, script);
  }

  provide(hash: string, result: { path: string } | { error: Reason }): void {
    this.#blobs.set(hash, result);
    this.wake();
  }

  answer(batchId: string, index: number, answer: NeedAnswer): void {
    this.answers.set(`${batchId}/${index}`, answer);
    this.wake();
  }

  report(batchId: string, index: number, progress: NeedProgress): void {
    this.append({ type: 'progress', batchId, index, ...progress });
  }

  suspend(by: Holder): void {
    if (this.ended) throw new ErgonError('ERR_EXE_UNIT_ENDED', 'ended');
    if (!this.suspends) throw new ErgonError('ERR_EXE_UNIT_SUSPEND_UNSUPPORTED', 'it cannot be frozen');
    if (this.#holds.includes(by)) return;
    this.#holds = [...this.#holds, by];
    if (this.#pair.state === 'Running') this.#step('suspend');
    else this.#sayState();
  }

  resume(by: Holder): void {
    if (this.ended) throw new ErgonError('ERR_EXE_UNIT_ENDED', 'ended');
    if (!this.#holds.includes(by)) return;
    this.#holds = this.#holds.filter((other) => other !== by);
    if (this.#holds.length === 0 && this.#pair.state === 'Suspended') this.#step('resume');
    else this.#sayState();
    this.wake();
  }

  /** Only of a program that holds. */
  cancel(batchId: string): void {
    if (this.#batch !== batchId) return;
    this.#canceled = batchId;
    for (const release of this.#held.values()) release();
    this.wake();
  }

  end(state: 'Completed' | 'Terminated', reason?: Reason): void {
    if (this.ended) return;
    this.sample();
    if (this.#batch !== undefined) this.append({ type: 'batch-finished', batchId: this.#batch });
    this.#batch = undefined;
    this.#pair = { state };
    this.append({ type: 'state', state, ...(reason !== undefined && { reason }) });
  }

  sample(): void {
    this.#usage += 1_000_000_000n;
    const sequence = this.journal.filter((line) => line.type === 'usage').length + 1;
    const counters = { 'golem.usage.cpu_sec': this.#usage.toString() };
    this.append({ type: 'usage', sample: { sequence, at: this.#clock.now(), counters } });
  }

  write(stream: LogStream, text: string): void {
    this.logs[stream] = Buffer.concat([this.logs[stream], Buffer.from(text)]);
  }

  async #run(batchId: string, script: ExeScript): Promise<void> {
    let terminate = false;
    for (const [index, command] of script.entries()) {
      this.append({ type: 'command-started', batchId, index });
      const result = await this.#command(batchId, index, command);
      if (this.ended || this.status === 'gone') return;
      this.append({ type: 'command-finished', batchId, result });
      terminate = 'terminate' in command;
      if (result.result === 'Error' || terminate) break;
    }
    this.#batch = undefined;
    this.append({ type: 'batch-finished', batchId });
    if (terminate) this.end('Completed');
  }

  async #command(batchId: string, index: number, command: ExeCommand): Promise<CommandResult> {
    const startedAt = this.#clock.now();
    const start = this.logs.stdout.length;
    let facts: Partial<CommandResult> = {};
    let error: Reason | undefined;
    if ('deploy' in command) {
      const hash = this.spec.package?.hash;
      if (hash !== undefined) error = await this.#need(batchId, index, hash);
      if (error === undefined) this.#step('deploy');
    } else if ('start' in command) {
      this.#step('start');
    } else if ('run' in command) {
      while (this.#holds.length > 0) await this.changed(new AbortController().signal);
      this.#step('run');
      error = await this.#program(batchId, index, command.run);
      while (this.#pair.state === 'Suspended') await this.changed(new AbortController().signal);
      if (!this.ended) this.#step('finish');
      facts = { stdout: { start, end: this.logs.stdout.length }, exitCode: error === undefined ? 0 : 1 };
      if (!this.ended) this.sample();
    } else if ('transfer' in command) {
      const { from, to } = command.transfer;
      if (from.startsWith('http')) error = await this.#fetch(batchId, index, from);
      if (from.startsWith('blob:')) error = await this.#need(batchId, index, from.slice('blob:'.length));
      if (to === 'blob:' || to.startsWith('http')) {
        const hash = `sha256:${Buffer.from(from).toString('hex').padEnd(64, '0').slice(0, 64)}`;
        this.outputs.set(hash, `/outputs/${hash}`);
        facts = { blob: { hash, sizeBytes: 1 } };
        if (to !== 'blob:') error = await this.#deliver(batchId, index, to, hash);
      }
    }
    const times = { index, startedAt, finishedAt: this.#clock.now() };
    return error === undefined
      ? { ...times, result: 'Ok', ...facts }
      : { ...times, result: 'Error', reason: error, message: error.message, ...facts };
  }

  async #program(batchId: string, index: number, run: RunStep): Promise<Reason | undefined> {
    this.runs.push(run.entry_point);
    if (run.stdin !== undefined) {
      const error = await this.#need(batchId, index, run.stdin);
      if (error !== undefined) return error;
    }
    for (const text of run.args ?? []) this.write('stdout', text);
    if (run.entry_point.startsWith('hold:')) {
      await new Promise<void>((resolve) => this.#held.set(run.entry_point.slice('hold:'.length), resolve));
    }
    if (this.#canceled === batchId) return { code: 'Canceled', message: 'the batch was canceled' };
    return run.entry_point === 'fail' ? { code: 'Error', message: 'exit code 1' } : undefined;
  }

  async #need(batchId: string, index: number, hash: string): Promise<Reason | undefined> {
    const never = new AbortController().signal;
    if (!this.#blobs.has(hash)) this.append({ type: 'need', batchId, index, hash });
    for (;;) {
      const blob = this.#blobs.get(hash);
      if (blob !== undefined) return 'error' in blob ? blob.error : undefined;
      await this.changed(never);
    }
  }

  async #fetch(batchId: string, index: number, url: string): Promise<Reason | undefined> {
    this.append({ type: 'fetch', batchId, index, url, maxBytes: this.spec.resources.storageBytes });
    return this.#answered(batchId, index);
  }

  async #deliver(batchId: string, index: number, url: string, hash: string): Promise<Reason | undefined> {
    this.append({ type: 'deliver', batchId, index, url, hash, sizeBytes: 1 });
    return this.#answered(batchId, index);
  }

  async #answered(batchId: string, index: number): Promise<Reason | undefined> {
    for (;;) {
      const answer = this.answers.get(`${batchId}/${index}`);
      if (answer !== undefined) return 'error' in answer ? answer.error : undefined;
      if (this.#canceled === batchId) return { code: 'Canceled', message: 'the batch was canceled' };
      await this.changed(new AbortController().signal);
    }
  }

  #step(command: 'deploy' | 'start' | 'run' | 'finish' | 'suspend' | 'resume'): void {
    this.#pair = commit(begin(this.#pair, command));
    this.#sayState();
  }

  #sayState(): void {
    const holds = this.#holds.length > 0 ? { holds: [...this.#holds] } : {};
    this.append({ type: 'state', state: this.#pair.state, ...holds });
  }
}

/** All supervisors of one machine, and the daemon's way to them. */
export class FakeMachine {
  readonly supervisors = new Map<string, FakeSupervisor>();
  readonly disposed: string[] = [];
  creates = 0;
  /** Makes calls fail: throw from it. */
  onCall: (operation: string, activityId: string) => void = () => undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(activityId: string): FakeSupervisor {
    const supervisor = this.supervisors.get(activityId);
    if (supervisor === undefined) throw new ErgonError('ERR_EXE_UNIT_NOT_FOUND', `no ${activityId}`);
    return supervisor;
  }

  exeUnits(): ExeUnits {
    const call = <T>(operation: string, activityId: string, work: () => T): Promise<T> =>
      Promise.resolve().then(() => {
        this.onCall(operation, activityId);
        return work();
      });
    const alive = (activityId: string): FakeSupervisor => {
      const supervisor = this.get(activityId);
      if (supervisor.status !== 'alive') throw new ErgonError('ERR_EXE_UNIT_UNKNOWN', 'no answer');
      return supervisor;
    };
    return {
      start: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      list: () => call('list', '', () => [...this.supervisors.keys()]),
      create: (spec) =>
        call('create', spec.activityId, () => {
          if (this.supervisors.has(spec.activityId)) return;
          this.creates += 1;
          this.supervisors.set(spec.activityId, new FakeSupervisor(spec, this.#clock));
        }),
      exec: (id, batchId, script) => call('exec', id, () => alive(id).exec(batchId, script)),
      provide: (id, hash, result) => call('provide', id, () => alive(id).provide(hash, result)),
      answer: (id, batchId, index, answer) =>
        call('answer', id, () => alive(id).answer(batchId, index, answer)),
      report: (id, batchId, index, progress) =>
        call('report', id, () => alive(id).report(batchId, index, progress)),
      suspend: (id, by) => call('suspend', id, () => alive(id).suspend(by)),
      resume: (id, by) => call('resume', id, () => alive(id).resume(by)),
      cancelBatch: (id, batchId) => call('cancelBatch', id, () => alive(id).cancel(batchId)),
      end: (id, state, reason) => call('end', id, () => alive(id).end(state, reason)),
      follow: (id, afterSeq, signal) => this.#follow(id, afterSeq, signal),
      close: (id, reason) =>
        call('close', id, () => {
          const supervisor = this.get(id);
          if (supervisor.status !== 'gone') throw new ErgonError('ERR_EXE_UNIT_ALIVE', 'alive');
          supervisor.end('Terminated', reason);
        }),
      status: (id) => call('status', id, () => this.supervisors.get(id)?.status ?? 'gone'),
      readLog: (id, stream, offset, maxBytes) =>
        call('readLog', id, () => {
          const log = this.get(id).logs[stream];
          const bytes = log.subarray(offset, offset + maxBytes);
          return { bytes, offset, end: log.length, final: this.get(id).ended };
        }),
      outputPath: (id, hash) => call('outputPath', id, () => this.supervisors.get(id)?.outputs.get(hash)),
      dropOutput: (id, hash) =>
        call('dropOutput', id, () => {
          this.supervisors.get(id)?.outputs.delete(hash);
        }),
      dispose: (id) =>
        call('dispose', id, () => {
          if (this.supervisors.get(id)?.ended === false)
            throw new ErgonError('ERR_EXE_UNIT_NOT_ENDED', 'alive');
          this.supervisors.delete(id);
          this.disposed.push(id);
        }),
      reap: () => Promise.resolve(),
    };
  }

  async *#follow(id: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<JournalRecord> {
    const supervisor = this.get(id);
    let next = afterSeq;
    while (!signal.aborted) {
      const line = supervisor.journal[next];
      if (line === undefined) {
        if (supervisor.ended || supervisor.status !== 'alive') return;
        await supervisor.changed(signal);
        continue;
      }
      this.onCall('follow', id);
      next += 1;
      yield line;
    }
  }
}
