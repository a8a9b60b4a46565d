import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../../src/interface/clock.ts';
import type { Logger } from '../../../src/interface/logger.ts';
import { RuntimeError } from '../../errors.ts';
import { killProcess } from '../../shared/kill-process.ts';
import {
  RUNNER_FD,
  type Confinement,
  type LoadOrder,
  type Order,
  type Report,
  type RunOrder,
} from '../runner/protocol.ts';
import { memoryOf, processTree } from '../limits/proc.ts';
import { checkReport, MAX_REPORT_BYTES } from './reports.ts';
import { SECCOMP_FD, type Sandbox, type SandboxPlan } from './sandbox.ts';

/** `pipe`: the runner process's owner reads and writes it; `inherit`: our own stdio, byte for byte. */
export type GuestStdio = 'pipe' | 'inherit';

export interface RunnerComponents {
  readonly clock: Clock;
  readonly logger: Logger;
}
/** How a process ended: by a status of its own, or by a signal. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}
export type EndedReport = Extract<Report, { type: 'ended' }>;
export type DiskReport = Extract<Report, { type: 'disk' }>;

const START_TIMEOUT_MS = 30_000;
const LOAD_TIMEOUT_MS = 120_000;
const MAX_DIAGNOSTICS = 8192;

/** A confined runner: started, then given one module, then one run. */
export class RunnerProcess {
  readonly sandbox: Sandbox;
  /** Resolves when the process is gone and all that it reported is read. */
  readonly exited: Promise<ProcessExit>;
  ended: EndedReport | undefined;
  disk: DiskReport | undefined;
  /** What the run has used by its last word on it; 0 when it is not metered. */
  fuelUsed = 0n;
  confinement: Confinement | undefined;
  /** Resident memory before it knew any module. */
  idleMemoryBytes = 0;
  readonly #child: ChildProcess;
  readonly #components: RunnerComponents;
  /** What Node and V8 said themselves: the end of it. */
  #diagnostics = '';
  #answered: ((report: Report) => void) | undefined;

  constructor(sandbox: Sandbox, plan: SandboxPlan, stdio: GuestStdio, components: RunnerComponents) {
    this.sandbox = sandbox;
    this.#components = components;
    const command = sandbox.command(plan);
    const guest = stdio === 'pipe' ? (['pipe', 'pipe', 'pipe'] as const) : ([0, 1, 2] as const);
    this.#child = spawn(command.file, command.args, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', ...guest, 'pipe'],
      env: {},
      cwd: '/',
      // A terminal's signals are for us, not for it.
      detached: true,
    });
    const failed = new Promise<ProcessExit>((resolve) => {
      this.#child.once('error', (error) => {
        this.#diagnostics += String(error);
        resolve({ code: null, signal: null });
      });
    });
    const ended = new Promise<ProcessExit>((resolve) => {
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    const reported = this.#readReports();
    this.exited = Promise.race([failed, Promise.all([ended, reported]).then(([exit]) => exit)]);
    this.#collectDiagnostics();
    this.#pipe(SECCOMP_FD).end(command.seccomp);
  }

  /** The outermost process: what is killed to kill all. 0 when it could not even be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** All processes of the sandbox, from the outermost to the one that the guest runs in. */
  get processes(): number[] {
    return this.pid === 0 ? [] : processTree(this.pid);
  }

  get guestPid(): number {
    return this.processes.at(-1) ?? this.pid;
  }

  get isAlive(): boolean {
    return this.pid !== 0 && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get diagnostics(): string {
    return this.#diagnostics.trim();
  }

  get stdin(): Writable {
    return this.#pipe(RUNNER_FD.STDIN);
  }

  get stdout(): Readable {
    return this.#pipe(RUNNER_FD.STDOUT);
  }

  get stderr(): Readable {
    return this.#pipe(RUNNER_FD.STDERR);
  }

  /** @throws RuntimeError ERR_RUNTIME_UNAVAILABLE when it does not come up */
  async ready(): Promise<void> {
    const report = await this.#answer(START_TIMEOUT_MS);
    if (report?.type !== 'ready') throw this.#failure('ERR_RUNTIME_UNAVAILABLE', 'did not start');
    this.confinement = report.confinement;
    this.idleMemoryBytes = memoryOf(this.guestPid)?.bytes ?? 0;
  }

  /** @throws RuntimeError ERR_RUNTIME_PACKAGE when the module is not valid */
  async load(order: LoadOrder): Promise<void> {
    this.#send(order);
    const report = await this.#answer(LOAD_TIMEOUT_MS);
    if (report?.type === 'loaded') return;
    if (report?.type === 'refused') {
      throw new RuntimeError('ERR_RUNTIME_PACKAGE', `The module is not valid: ${report.message}`);
    }
    throw this.#failure('ERR_RUNTIME_FAILED', 'did not compile the module');
  }

  /** Whether its guest has begun: false when it ended before, and nothing of the guest was run. */
  async run(order: RunOrder): Promise<boolean> {
    this.#send(order);
    return (await this.#answer(START_TIMEOUT_MS))?.type === 'started';
  }

  /** Kills the whole sandbox. Not that it is gone: await `exited` for that. */
  kill(): void {
    // The innermost first: the sandbox's own processes then end by themselves, whatever their ties to each other.
    for (const pid of this.processes.reverse()) killProcess(pid);
  }

  #send(order: Order): void {
    this.#pipe(RUNNER_FD.ORDERS).write(`${JSON.stringify(order)}\n`);
  }

  /** The next report that answers an order; undefined when the process ends or is too slow, which ends it. */
  async #answer(timeoutMs: number): Promise<Report | undefined> {
    const gone = this.exited.then(() => undefined);
    const answer = new Promise<Report>((resolve) => (this.#answered = resolve));
    const cancel = this.#components.clock.setTimer(() => this.kill(), timeoutMs);
    try {
      return await Promise.race([answer, gone]);
    } finally {
      cancel();
      this.#answered = undefined;
    }
  }

  #failure(code: 'ERR_RUNTIME_UNAVAILABLE' | 'ERR_RUNTIME_FAILED', what: string): RuntimeError {
    const why = this.diagnostics === '' ? '' : `: ${this.diagnostics}`;
    return new RuntimeError(code, `The ${this.sandbox.name} sandbox ${what}${why}`, {
      sandbox: this.sandbox.name,
    });
  }

  async #readReports(): Promise<void> {
    let pending = '';
    const stream: Readable = this.#pipe(RUNNER_FD.REPORTS);
    stream.setEncoding('utf8');
    try {
      for await (const chunk of stream) {
        pending += String(chunk);
        const lines = pending.split('\n');
        pending = lines.pop() ?? '';
        if (pending.length > MAX_REPORT_BYTES)
          throw new RuntimeError('ERR_RUNTIME_FAILED', 'A report has no end');
        for (const line of lines) this.#take(checkReport(JSON.parse(line)));
      }
    } catch (error) {
      this.#components.logger.error({ err: error }, 'runner sent nonsense; it is killed');
      this.kill();
    }
  }

  #take(report: Report): void {
    if (report.type === 'disk') this.disk = report;
    else if (report.type === 'fuel') this.#takeFuel(BigInt(report.used));
    else if (report.type === 'ended') this.ended ??= report;
    else if (report.type === 'fault')
      this.#components.logger.error({ fault: report }, 'host call failed unexpectedly');
    else this.#answered?.(report);
  }

  #takeFuel(used: bigint): void {
    if (used > this.fuelUsed) this.fuelUsed = used;
  }

  #collectDiagnostics(): void {
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#diagnostics = (this.#diagnostics + text).slice(-MAX_DIAGNOSTICS);
    });
  }

  /** A pipe to the runner; that it breaks is seen by the process's end. */
  #pipe(fd: number): Readable & Writable {
    const stream = this.#child.stdio[fd] as (Readable & Writable) | null | undefined;
    if (stream === null || stream === undefined) {
      throw new RuntimeError('ERR_RUNTIME_FAILED', `The runner has no pipe on descriptor ${fd}`, { fd });
    }
    if (stream.listenerCount('error') === 0) stream.on('error', () => undefined);
    return stream;
  }
}
