import path from 'node:path';
import type {
  DeploySpec,
  RunCommand,
  RunExit,
  RunningCommand,
  RunOutput,
  RuntimeStats,
} from '../../src/interface/exe-unit-runtime.ts';
import { RuntimeError } from '../errors.ts';
import { classifyExit } from './exit.ts';
import type { Cgroup } from './limits/cgroup.ts';
import { measureDisk, quotaOf } from './limits/disk-usage.ts';
import { killGroup, until } from './limits/group.ts';
import { Meter } from './limits/meter.ts';
import { startTime } from './limits/proc.ts';
import { limitProcess } from './limits/rlimits.ts';
import { groupLimits } from './limits/runner-limits.ts';
import { preparePackage } from './package.ts';
import { drain, failedExit, feedStdin } from './running.ts';
import type { FindProgram } from './sandbox/programs.ts';
import type { ProcessExit, RunnerComponents, RunnerProcess } from './sandbox/runner-process.ts';
import { MODULE_FILE, replaceFile, viewOf, type WorkDir } from './work-dir.ts';
import { maxPagesOf } from './module/prepare.ts';

export interface DeploymentInit {
  readonly spec: DeploySpec;
  readonly workDir: WorkDir;
}
export interface DeploymentComponents extends RunnerComponents {
  readonly launch: () => Promise<RunnerProcess>;
  readonly cgroup: Cgroup | undefined;
  readonly findProgram: FindProgram;
}

/** An agreement may allow no storage; what the runner itself needs is not the guest's. */
const MIN_FILE_BYTES = 1 << 20;

/** One activity's sandbox: a prepared module, a group with its limits, and one runner after the other. */
export class Deployment {
  readonly #spec: DeploySpec;
  readonly #workDir: WorkDir;
  readonly #components: DeploymentComponents;
  readonly #meter: Meter;
  /** Has the module, waits for its run. */
  #ready: RunnerProcess | undefined;
  #running: RunnerProcess | undefined;
  #sentSignal: string | undefined;

  constructor(init: DeploymentInit, components: DeploymentComponents) {
    this.#spec = init.spec;
    this.#workDir = init.workDir;
    this.#components = components;
    this.#meter = new Meter(components.cgroup);
  }

  /** @throws RuntimeError ERR_RUNTIME_PACKAGE when the package is no program for this runtime */
  async prepare(warm: RunnerProcess | undefined): Promise<void> {
    const { packagePath, resources } = this.#spec;
    try {
      const module = await preparePackage(packagePath, resources.memoryBytes);
      await replaceFile(path.join(this.#workDir.moduleDir, MODULE_FILE), module);
      this.#components.cgroup?.limit(groupLimits(resources, module.length));
    } catch (error) {
      warm?.kill();
      throw error;
    }
    this.#ready = await this.#loaded(warm);
  }

  async run(command: RunCommand, output: RunOutput): Promise<RunningCommand> {
    if (this.#running !== undefined)
      throw new RuntimeError('ERR_RUNTIME_FAILED', 'A command is running already');
    const runner = this.#ready?.isAlive === true ? this.#ready : await this.#loaded(undefined);
    this.#ready = undefined;
    this.#running = runner;
    this.#sentSignal = undefined;
    const oomKillsBefore = this.#components.cgroup?.oomKills() ?? 0;
    this.#meter.begin(runner.guestPid, runner.idleMemoryBytes);
    const { directories } = runner.sandbox.names(viewOf(this.#workDir));
    runner.run({
      type: 'run',
      args: [command.entryPoint, ...command.args],
      env: { ...this.#spec.env, ...command.env },
      preopens: directories.map((hostPath) => ({ hostPath, guestPath: '/' })),
      quota: quotaOf(this.#spec.resources.storageBytes),
    });
    void feedStdin(runner, command.stdinPath);
    const exit = drain(runner, output).then(
      (ended) => this.#finish(runner, ended, oomKillsBefore),
      (error: unknown) => {
        this.#finish(runner, { code: null, signal: null }, oomKillsBefore);
        return failedExit(error);
      },
    );
    return { exit, signal: async (signal) => this.#kill(signal) };
  }

  async suspend(): Promise<void> {
    const { cgroup, clock } = this.#components;
    if (cgroup?.freeze(true) === true) await until(() => cgroup.isFrozen(), clock);
    else this.#signalRunner('SIGSTOP');
  }

  async resume(): Promise<void> {
    if (this.#components.cgroup?.freeze(false) !== true) this.#signalRunner('SIGCONT');
  }

  async stats(): Promise<RuntimeStats> {
    const reading = this.#meter.read();
    const diskBytes = this.#running?.disk?.bytes ?? (await measureDisk(this.#workDir.volumes));
    return { ...reading, diskBytes, counters: {} };
  }

  async stop(): Promise<void> {
    const live = [this.#running, this.#ready].filter((runner) => runner !== undefined);
    this.#ready = undefined;
    this.#kill('SIGKILL');
    for (const runner of live) runner.kill();
    await Promise.all(live.map((runner) => runner.exited));
  }

  /** A runner in the group, with the module compiled in it. */
  async #loaded(warm: RunnerProcess | undefined): Promise<RunnerProcess> {
    const { cgroup, findProgram, launch } = this.#components;
    const runner = warm?.isAlive === true ? warm : await launch();
    try {
      // Before it sees a byte of the module.
      for (const pid of runner.processes) cgroup?.add(pid);
      const pid = runner.guestPid;
      await replaceFile(this.#workDir.processFile, JSON.stringify({ pid, startTime: startTime(pid) ?? '0' }));
      await limitProcess(
        pid,
        { fileBytes: Math.max(MIN_FILE_BYTES, this.#spec.resources.storageBytes) },
        findProgram,
      );
      const modulePath = path.join(runner.sandbox.names(viewOf(this.#workDir)).moduleDir, MODULE_FILE);
      await runner.load({ type: 'load', modulePath, maxPages: maxPagesOf(this.#spec.resources.memoryBytes) });
      return runner;
    } catch (error) {
      runner.kill();
      await runner.exited;
      throw error;
    }
  }

  #kill(signal: string): void {
    if (this.#running === undefined) return;
    // A WebAssembly guest has no signal handlers: every one of these ends it.
    this.#sentSignal ??= signal;
    this.#running.kill();
    if (this.#components.cgroup !== undefined) killGroup(this.#components.cgroup);
  }

  #signalRunner(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const runner = this.#running ?? this.#ready;
    if (runner?.isAlive === true) process.kill(runner.guestPid, signal);
  }

  #finish(runner: RunnerProcess, exit: ProcessExit, oomKillsBefore: number): RunExit {
    const { cgroup } = this.#components;
    this.#meter.end(runner.ended);
    this.#running = undefined;
    const { cpuNs, memoryPeakBytes } = this.#meter.read();
    const oomKilled = (cgroup?.oomKills() ?? 0) > oomKillsBefore;
    const { memoryBytes, storageBytes } = this.#spec.resources;
    return classifyExit({
      report: runner.ended,
      exit,
      sentSignal: this.#sentSignal,
      oomKilled,
      diagnostics: runner.diagnostics,
      memoryLimitBytes: memoryBytes,
      memoryPeakBytes: oomKilled ? (cgroup?.peakMemoryBytes() ?? memoryPeakBytes) : memoryPeakBytes,
      storageLimitBytes: storageBytes,
      diskBytes: runner.disk?.bytes ?? 0,
      cpuNs,
    });
  }
}
