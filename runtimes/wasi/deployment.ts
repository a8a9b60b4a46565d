import type {
  DeploySpec,
  GuestView,
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
import { limitProcess, type ProcessLimits } from './limits/rlimits.ts';
import { groupLimits } from './limits/runner-limits.ts';
import { FuelMeter } from './limits/fuel-meter.ts';
import {
  guestViewOf,
  loadOrder,
  makeMountPoints,
  preopensOf,
  preparePackage,
  TMP,
  withVolumes,
  type Program,
  type WasiPackage,
} from './package/index.ts';
import { drain, failedExit, feedStdin, openStdin } from './running.ts';
import type { FindProgram } from './sandbox/programs.ts';
import type { ProcessExit, RunnerComponents, RunnerProcess } from './sandbox/runner-process.ts';
import { replaceFile, viewOf, type WorkDir } from './work-dir.ts';
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

/** A runner that has its order. */
interface Begun {
  readonly runner: RunnerProcess;
  readonly oomKillsBefore: number;
  readonly hasStarted: boolean;
}

/** An agreement may allow no storage; what the runner itself needs is not the guest's. */
const MIN_FILE_BYTES = 1 << 20;

/** One activity's sandbox: a prepared module, a group with its limits, and one runner after the other. */
export class Deployment {
  readonly #spec: DeploySpec;
  readonly #workDir: WorkDir;
  readonly #components: DeploymentComponents;
  #cgroup: Cgroup | undefined;
  #meter: Meter;
  readonly #fuel: FuelMeter | undefined;
  #package: WasiPackage | undefined;
  /** Has a program, waits for its run. */
  #ready: { readonly runner: RunnerProcess; readonly program: Program } | undefined;
  #running: RunnerProcess | undefined;
  #sentSignal: string | undefined;
  #busy = false;

  constructor(init: DeploymentInit, components: DeploymentComponents) {
    this.#spec = init.spec;
    this.#workDir = init.workDir;
    this.#components = components;
    this.#cgroup = components.cgroup;
    this.#meter = new Meter(components.cgroup);
    this.#fuel = FuelMeter.wanted(init.spec) ? new FuelMeter(init.spec.fuelLimit) : undefined;
  }

  /** @throws RuntimeError ERR_RUNTIME_PACKAGE when the package is no program for this runtime */
  async prepare(warm: RunnerProcess | undefined): Promise<void> {
    const { packagePath, resources } = this.#spec;
    try {
      const { moduleDir, scratchDir, volumes } = this.#workDir;
      const { memoryBytes } = resources;
      const meterFuel = this.#fuel !== undefined;
      const asked = { packagePath, moduleDir, scratchDir, memoryBytes, meterFuel };
      this.#package = withVolumes(await preparePackage(asked), this.#spec.volumes ?? []);
      await makeMountPoints({ mountPoints: [TMP], ...this.#package }, volumes);
      this.#limit(this.#package.main);
    } catch (error) {
      warm?.kill();
      throw error;
    }
    const { main } = this.#package;
    this.#ready = { runner: await this.#loaded(main, warm), program: main };
  }

  async run(command: RunCommand, output: RunOutput): Promise<RunningCommand> {
    if (this.#busy) throw new RuntimeError('ERR_RUNTIME_FAILED', 'A command is running already');
    this.#busy = true;
    this.#sentSignal = undefined;
    try {
      const program = this.#deployedPackage().program(command.entryPoint);
      const stdin = await openStdin(command.stdinPath);
      const begun = await this.#begin(program, command);
      void feedStdin(begun.runner, stdin);
      return this.#follow(begun, output);
    } catch (error) {
      this.#busy = false;
      this.#running = undefined;
      throw error;
    }
  }

  /** One that died while it waited has run nothing of the guest: another takes its place, once. */
  async #begin(program: Program, command: RunCommand): Promise<Begun> {
    const first = await this.#start(await this.#runnerOf(program), program, command);
    if (first.hasStarted || this.#sentSignal !== undefined) return first;
    await first.runner.exited;
    return this.#start(await this.#loaded(program, undefined), program, command);
  }

  async #start(runner: RunnerProcess, program: Program, command: RunCommand): Promise<Begun> {
    this.#running = runner;
    const oomKillsBefore = this.#cgroup?.oomKills() ?? 0;
    this.#meter.begin(runner.guestPid, runner.idleMemoryBytes);
    const [volumes = '/'] = runner.sandbox.names(viewOf(this.#workDir)).directories;
    const hasStarted = await runner.run({
      type: 'run',
      args: [program.argv0 ?? command.entryPoint, ...command.args],
      env: { ...this.#spec.env, ...command.env },
      preopens: preopensOf(this.#deployedPackage(), volumes),
      quota: quotaOf(this.#spec.resources.storageBytes),
      ...(this.#fuel === undefined ? {} : { fuel: this.#fuel.begin() }),
    });
    return { runner, oomKillsBefore, hasStarted };
  }

  #follow({ runner, oomKillsBefore }: Begun, output: RunOutput): RunningCommand {
    const exit = drain(runner, output).then(
      (ended) => this.#finish(runner, ended, oomKillsBefore),
      (error: unknown) => {
        this.#finish(runner, { code: null, signal: null }, oomKillsBefore);
        return failedExit(error);
      },
    );
    return { exit, signal: async (signal) => this.#kill(signal) };
  }

  guestView(): GuestView {
    return guestViewOf(this.#deployedPackage());
  }

  async suspend(): Promise<void> {
    const cgroup = this.#cgroup;
    if (cgroup?.freeze(true) === true) await until(() => cgroup.isFrozen(), this.#components.clock);
    else this.#signalRunner('SIGSTOP');
  }

  async resume(): Promise<void> {
    if (this.#cgroup?.freeze(false) !== true) this.#signalRunner('SIGCONT');
  }

  async stats(): Promise<RuntimeStats> {
    const reading = this.#meter.read();
    const disk = this.#running?.disk ?? (await measureDisk(this.#workDir.volumes));
    const files = { count: disk.entries, limit: quotaOf(this.#spec.resources.storageBytes).entries };
    return { ...reading, diskBytes: disk.bytes, files, counters: this.#fuel?.counters(this.#running) ?? {} };
  }

  async stop(): Promise<void> {
    const live = [this.#running, this.#ready?.runner].filter((runner) => runner !== undefined);
    this.#ready = undefined;
    this.#kill('SIGKILL');
    for (const runner of live) runner.kill();
    await Promise.all(live.map((runner) => runner.exited));
  }

  #deployedPackage(): WasiPackage {
    if (this.#package !== undefined) return this.#package;
    throw new RuntimeError('ERR_RUNTIME_HANDLE', 'Nothing is deployed yet');
  }

  #limit({ sizeBytes }: Program): void {
    this.#cgroup?.limit(groupLimits(this.#spec.resources, sizeBytes));
  }

  /** The one that waits, if it has this program; one that has another is of no use any more. */
  async #runnerOf(program: Program): Promise<RunnerProcess> {
    const ready = this.#ready;
    this.#ready = undefined;
    if (ready?.program === program && ready.runner.isAlive) return ready.runner;
    ready?.runner.kill();
    await ready?.runner.exited;
    this.#limit(program);
    return this.#loaded(program, undefined);
  }

  /** A runner in the group, with the program compiled in it. */
  async #loaded(program: Program, warm: RunnerProcess | undefined): Promise<RunnerProcess> {
    const { findProgram, launch } = this.#components;
    const runner = warm?.isAlive === true ? warm : await launch();
    try {
      // Before it sees a byte of the module.
      this.#join(runner);
      const pid = runner.guestPid;
      await replaceFile(this.#workDir.processFile, JSON.stringify({ pid, startTime: startTime(pid) ?? '0' }));
      const { moduleDir } = runner.sandbox.names(viewOf(this.#workDir));
      const maxPages = maxPagesOf(this.#spec.resources.memoryBytes);
      await Promise.all([
        limitProcess(pid, this.#backstops(), findProgram),
        runner.load(loadOrder(program, moduleDir, maxPages)),
      ]);
      return runner;
    } catch (error) {
      runner.kill();
      await runner.exited;
      throw error;
    }
  }

  /** A group that takes no processes limits and counts nothing: better none than one that says zero. */
  #join(runner: RunnerProcess): void {
    if (this.#cgroup === undefined) return;
    for (const pid of runner.processes) this.#cgroup.add(pid);
    if (this.#cgroup.processes().includes(runner.guestPid)) return;
    this.#components.logger.warn(
      { activityId: this.#spec.activityId },
      'control group takes no process; going without',
    );
    this.#cgroup = undefined;
    this.#meter = new Meter(undefined);
  }

  #backstops(): ProcessLimits {
    return { fileBytes: Math.max(MIN_FILE_BYTES, this.#spec.resources.storageBytes) };
  }

  #kill(signal: string): void {
    if (this.#running === undefined) return;
    // A WebAssembly guest has no signal handlers: every one of these ends it.
    this.#sentSignal ??= signal;
    this.#running.kill();
    if (this.#cgroup !== undefined) killGroup(this.#cgroup);
  }

  #signalRunner(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const runner = this.#running ?? this.#ready?.runner;
    if (runner?.isAlive === true) process.kill(runner.guestPid, signal);
  }

  #finish(runner: RunnerProcess, exit: ProcessExit, oomKillsBefore: number): RunExit {
    const cgroup = this.#cgroup;
    this.#meter.end(runner.ended);
    this.#fuel?.end(runner);
    this.#running = undefined;
    this.#busy = false;
    const { memoryPeakBytes } = this.#meter.read();
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
      filesLimit: quotaOf(storageBytes).entries,
      ...(this.#fuel === undefined ? {} : { fuel: this.#fuel.evidence() }),
    });
  }
}
