import { readFile } from 'node:fs/promises';
import type {
  DeploySpec,
  ExeUnitRuntime,
  Fingerprint,
  GuestView,
  Reaped,
  RuntimeComponents,
  RuntimeDescriptor,
  RuntimeSupports,
} from '../../src/interface/exe-unit-runtime.ts';
import { checker } from '../../src/util/check.ts';
import { RuntimeError } from '../errors.ts';
import { DeploymentsRuntime } from '../shared/deployments.ts';
import { killProcess } from '../shared/kill-process.ts';
import { Deployment } from './deployment.ts';
import { fingerprintOf } from './fingerprint.ts';
import { groupName, handles, ProcessRecord, type Handle } from './handle.ts';
import type { CgroupTree } from './limits/cgroup.ts';
import { endGroup } from './limits/group.ts';
import { probeCgroups } from './limits/probe.ts';
import { startTime } from './limits/proc.ts';
import { SandboxLadder } from './sandbox/ladder.ts';
import { findProgram } from './sandbox/programs.ts';
import type { RunnerProcess } from './sandbox/runner-process.ts';
import type { SandboxName } from './sandbox/sandbox.ts';
import { selfTest } from './self-test.ts';
import { identityOf, makeWorkDir, viewOf, workDirOf, type WorkDir } from './work-dir.ts';

/** Choices of tests and of an operator; by default the best that the machine has. */
export interface WasiRuntimeInit {
  /** Use this sandbox and no weaker one; absent: the strongest that works. */
  readonly sandbox?: SandboxName;
  /** Limit and meter by control groups, where the machine has them. */
  readonly cgroups?: boolean;
}

const supports: RuntimeSupports = {
  signal: true,
  suspend: true,
  // A guest's streams end with its supervisor, and so does the guest.
  recover: false,
  cpuTimeLimit: true,
  memoryLimit: true,
  diskLimit: true,
  // A guest is one thread: it has no more than its one core to itself with or without a quota.
  cpuShare: true,
  networks: false,
};

/** Longer than a deployment takes from making its group to filling it. */
const STALE_GROUP_MS = 10 * 60_000;

const checkProcessRecord = checker(ProcessRecord, 'runner process record');

/** WASI programs, each in a confined process of its own. */
export class WasiRuntime extends DeploymentsRuntime<Deployment> implements ExeUnitRuntime {
  readonly descriptor: RuntimeDescriptor;
  readonly supports = supports;
  readonly #init: WasiRuntimeInit;
  readonly #components: RuntimeComponents;
  readonly #ladder: SandboxLadder;
  /** Started ahead of its activity, and the volumes that it sees. */
  #warm: { readonly runner: RunnerProcess; readonly volumes: string } | undefined;
  #cgroups: { readonly tree: CgroupTree | undefined } | undefined;

  constructor(init: WasiRuntimeInit, components: RuntimeComponents) {
    super();
    this.descriptor = components.descriptor;
    this.#init = init;
    this.#components = components;
    this.#ladder = new SandboxLadder({ ...init, findProgram }, components);
  }

  async fingerprint(): Promise<Fingerprint> {
    return fingerprintOf(this.#ladder, this.#cgroupTree());
  }

  selfTest(workDir: string): Promise<void> {
    return selfTest(this, workDir);
  }

  async warm(directory: string): Promise<void> {
    const workDir = await makeWorkDir(directory);
    this.#takeWarm()?.kill();
    this.#warm = { runner: await this.#launch(workDir), volumes: await identityOf(workDir.volumes) };
  }

  async deploy(spec: DeploySpec): Promise<string> {
    const handle: Handle = { version: 1, workDir: spec.workDir, group: groupName(spec.activityId) };
    // What a crash, or an earlier attempt, left of it.
    await this.#end(handle);
    const workDir = await makeWorkDir(spec.workDir);
    const deployment = new Deployment(
      { spec, workDir },
      {
        ...this.#components,
        findProgram,
        launch: () => this.#launch(workDir),
        cgroup: this.#cgroupTree()?.open(handle.group),
      },
    );
    const encoded = handles.encode(handle);
    this.deployments.set(encoded, deployment);
    try {
      await deployment.prepare(this.#takeWarm(await identityOf(workDir.volumes)));
    } catch (error) {
      await this.#end(handle);
      throw error;
    }
    return encoded;
  }

  async start(handle: string): Promise<void> {
    await this.deployed(handle, () => undefined);
  }

  volumeRoot(handle: string): string {
    return workDirOf(handles.decode(handle).workDir).volumes;
  }

  guestView(handle: string): Promise<GuestView> {
    return this.deployed(handle, (deployment) => deployment.guestView());
  }

  async destroy(handle: string): Promise<void> {
    await this.#end(handles.decode(handle));
  }

  async discard({ activityId, workDir }: Pick<DeploySpec, 'activityId' | 'workDir'>): Promise<void> {
    await this.#end({ version: 1, workDir, group: groupName(activityId) });
  }

  /** A supervisor that dies in the middle of a deployment leaves a group that no handle names. */
  reap(): Promise<Reaped> {
    this.#cgroupTree()?.sweep(groupName(''), this.#components.clock.now() - STALE_GROUP_MS);
    return Promise.resolve({ removed: [] });
  }

  /** There is nothing to take over: what is left of another process's deployment is ended. */
  async recover(handle: string): Promise<boolean> {
    await this.#end(handles.decode(handle));
    return false;
  }

  #launch(workDir: WorkDir): Promise<RunnerProcess> {
    return this.#ladder.launch(viewOf(workDir), 'pipe');
  }

  /** The warm runner, if it sees these volumes; one that sees others is of no use any more. */
  #takeWarm(volumes?: string): RunnerProcess | undefined {
    const warm = this.#warm;
    this.#warm = undefined;
    if (warm?.volumes === volumes) return warm?.runner;
    warm?.runner.kill();
    return undefined;
  }

  async #end(handle: Handle): Promise<void> {
    const encoded = handles.encode(handle);
    await this.deployments.get(encoded)?.stop();
    this.deployments.delete(encoded);
    await killRecorded(handle);
    const group = this.#cgroupTree()?.open(handle.group);
    if (group === undefined || (await endGroup(group, this.#components.clock))) return;
    const message = `Processes of the control group ${handle.group} do not die`;
    throw new RuntimeError('ERR_RUNTIME_FAILED', message, { group: handle.group, pids: group.processes() });
  }

  protected workDirOf(handle: string): string {
    return handles.decode(handle).workDir;
  }

  #cgroupTree(): CgroupTree | undefined {
    this.#cgroups ??= { tree: this.#init.cgroups === false ? undefined : probeCgroups() };
    return this.#cgroups.tree;
  }
}

/** Where there are no control groups, the runner of a supervisor that is gone is known by its number and start. */
async function killRecorded({ workDir }: Handle): Promise<void> {
  try {
    const text = await readFile(workDirOf(workDir).processFile, 'utf8');
    const { pid, startTime: started } = checkProcessRecord(JSON.parse(text));
    if (startTime(pid) === started) killProcess(pid);
  } catch {
    // None was started, or a power failure took the record, and the process with it.
  }
}
