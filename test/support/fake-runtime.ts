import { join } from 'node:path';
import type {
  ExeUnitRuntime,
  GuestView,
  RunExit,
  RunOutput,
  RuntimeStats,
} from '../../src/interface/exe-unit-runtime.ts';

type Call = 'deploy' | 'start' | 'run' | 'suspend' | 'resume' | 'stop' | 'destroy';

const zero: RuntimeStats = { cpuNs: 0n, memoryBytes: 0, memoryPeakBytes: 0, diskBytes: 0, counters: {} };

/** A runtime without processes: tests say what each call does, and end the command that runs. */
export class FakeRuntime implements ExeUnitRuntime {
  readonly descriptor = {
    name: 'fake',
    version: '1.0.0',
    description: 'fake',
    main: 'index',
    capabilities: [],
    counters: {},
    properties: {},
  };
  readonly supports = {
    signal: true,
    suspend: true,
    recover: false,
    cpuTimeLimit: true,
    memoryLimit: true,
    diskLimit: true,
    cpuShare: true,
    networks: false,
  };
  readonly calls: string[] = [];
  /** What the next calls of these do. */
  fail: Partial<Record<Call | 'stats', Error>> = {};
  /** `deploy` takes this long. */
  deploying: Promise<void> = Promise.resolve();
  /** `run` takes this long. */
  launching: Promise<void> = Promise.resolve();
  figures: RuntimeStats = zero;
  output: RunOutput | undefined;
  #exit = Promise.withResolvers<RunExit>();
  frozen = false;
  /** Killed while it was frozen: it dies when it is thawed. */
  #killed = false;
  /** A runtime that hangs does not end its command when it is stopped. */
  hangs = false;
  /** What of the volume the guest sees. */
  view: GuestView = { workingDirectory: '/', directories: [{ guestPath: '/', volumePath: '/' }] };
  #workDir = '';

  finish(exit: RunExit): void {
    this.#exit.resolve(exit);
  }

  async fingerprint() {
    return { available: true, notes: [], properties: {} };
  }
  async selfTest() {
    this.#did('start');
  }
  async deploy(spec: { workDir: string }) {
    this.#did('deploy');
    await this.deploying;
    this.#workDir = spec.workDir;
    return 'handle';
  }
  async start() {
    this.#did('start');
  }
  async run(_handle: string, _command: unknown, output: RunOutput) {
    this.#did('run');
    this.output = output;
    await this.launching;
    this.#killed = false;
    this.#exit = Promise.withResolvers<RunExit>();
    return { exit: this.#exit.promise, signal: async () => this.#kill() };
  }
  async suspend() {
    this.#did('suspend');
    this.frozen = true;
  }
  async resume() {
    this.#did('resume');
    this.frozen = false;
    if (this.#killed) this.#kill();
  }
  async stats() {
    if (this.fail.stats !== undefined) throw this.fail.stats;
    return this.figures;
  }
  volumeRoot() {
    return join(this.#workDir, 'volumes');
  }
  async guestView() {
    return this.view;
  }
  async stop() {
    this.#did('stop');
    this.frozen = false;
    this.#kill();
  }
  async destroy() {
    this.#did('destroy');
  }
  async recover() {
    return false;
  }

  #kill(): void {
    this.#killed = true;
    if (!this.hangs && !this.frozen) this.#exit.resolve({ kind: 'signaled', signal: 'SIGKILL' });
  }

  #did(call: Call): void {
    this.calls.push(call);
    if (this.fail[call] !== undefined) throw this.fail[call];
  }
}
