import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { EndSignal, OnEnd } from '../../src/interface/end-signal.ts';
import type { RunExit } from '../../src/interface/exe-unit-runtime.ts';
import type { Resources } from '../../src/interface/market.ts';
import { systemClock } from '../../src/util/clock.ts';
import { Interruption } from '../shared/interruption.ts';
import { classifyExit } from './exit.ts';
import type { Preopen } from './host/host.ts';
import type { Cgroup } from './limits/cgroup.ts';
import { quotaOf } from './limits/disk-usage.ts';
import { groupName } from './handle.ts';
import { groupLimits } from './limits/runner-limits.ts';
import { endGroup } from './limits/group.ts';
import { probeCgroups } from './limits/probe.ts';
import { MAX_PAGES, PAGE_BYTES } from './module/limits.ts';
import { maxPagesOf } from './module/prepare.ts';
import {
  loadOrder,
  makeMountPoints,
  preopensOf,
  preparePackage,
  type Program,
  type WasiPackage,
} from './package/index.ts';
import { SandboxLadder } from './sandbox/ladder.ts';
import { findProgram } from './sandbox/programs.ts';
import type { ProcessExit, RunnerComponents, RunnerProcess } from './sandbox/runner-process.ts';
import type { SandboxName, SandboxView } from './sandbox/sandbox.ts';

/** A directory of this machine, and where the program finds it. */
export interface LocalDirectory {
  readonly hostPath: string;
  readonly guestPath: string;
  readonly readOnly?: boolean;
}
/** One program to run on this machine, as `ergon runtime run` has it. */
export interface LocalRun {
  readonly modulePath: string;
  /** After the program's own name: the module's file name, or its path in a package. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Preopened in this order; without any, the guest has no file system. */
  readonly dirs: readonly LocalDirectory[];
  /** Absent ones are not limited. */
  readonly limits?: Partial<Resources>;
  /** Of a package with several; absent: its main one. */
  readonly entryPoint?: string;
  /** Count what it does. */
  readonly meterFuel?: boolean;
  /** What it may use; has it counted. */
  readonly fuelLimit?: number;
  /** Only this sandbox; absent: the strongest that works. */
  readonly sandbox?: SandboxName;
}

/** Of the process that it runs in. */
export interface LocalSurroundings {
  readonly onEnd: OnEnd;
}

/** How it ended, and what it has used if that was counted. */
export type LocalExit = RunExit & { readonly fuelUsed?: bigint };

const WHOLE_MEMORY_BYTES = MAX_PAGES * PAGE_BYTES;
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => silent };

function ignore(): void {
  // A program that runs in the foreground has the terminal to itself.
}

/**
 * Runs a module in the sandbox that an activity gets, with this process's own stdio, byte for byte.
 * @throws RuntimeError ERR_RUNTIME_PACKAGE for a module that cannot be run, ERR_RUNTIME_UNAVAILABLE without a sandbox
 * @example process.exitCode = exitStatus(await runLocally({ modulePath: 'cat.wasm', args: [], env: {}, dirs: [] }))
 */
export async function runLocally(
  run: LocalRun,
  { onEnd }: LocalSurroundings = { onEnd: () => ignore },
): Promise<LocalExit> {
  const components = { clock: systemClock(), logger: silent };
  using interruption = new Interruption(onEnd);
  const directory = await mkdtemp(path.join(os.tmpdir(), 'ergon-wasi-run-'));
  const moduleDir = path.join(directory, 'module');
  let group: Cgroup | undefined;
  try {
    await mkdir(moduleDir);
    const prepared = await preparePackage({
      packagePath: run.modulePath,
      moduleDir,
      scratchDir: path.join(directory, 'package'),
      memoryBytes: run.limits?.memoryBytes ?? WHOLE_MEMORY_BYTES,
      meterFuel: isMetered(run),
    });
    const program = prepared.program(run.entryPoint ?? 'main');
    const job = { run, program, preopens: await preopensFor(run, prepared), view: viewOf(run, moduleDir) };
    group = localGroup(run.limits, program.sizeBytes);
    const runner = await load(job, group, components);
    // Nothing is left behind, however this process ends.
    await rm(directory, { recursive: true, force: true });
    interruption.aim(() => runner.kill());
    return await runToEnd(job, runner, { group, interruption });
  } finally {
    await rm(directory, { recursive: true, force: true });
    if (group !== undefined) await endGroup(group, components.clock);
  }
}

interface Job {
  readonly run: LocalRun;
  readonly program: Program;
  /** By the directories' numbers in the view. */
  readonly preopens: readonly (Preopen & { readonly directory: number })[];
  readonly view: SandboxView;
}

const isMetered = ({ meterFuel, fuelLimit }: LocalRun): boolean =>
  meterFuel === true || fuelLimit !== undefined;

/** What a package mounts lies below the directory that is given to it as `/`. */
async function preopensFor({ dirs }: LocalRun, prepared: WasiPackage): Promise<Job['preopens']> {
  const all = await Promise.all(
    dirs.map(async ({ hostPath, guestPath, readOnly = false }, directory) => {
      if (guestPath !== '/' || readOnly) return [{ hostPath, guestPath, readOnly, directory }];
      await makeMountPoints(prepared, hostPath);
      return preopensOf(prepared, hostPath).map((preopen) => ({ ...preopen, directory }));
    }),
  );
  return all.flat();
}

async function load(
  { run, program, view }: Job,
  group: Cgroup | undefined,
  components: RunnerComponents,
): Promise<RunnerProcess> {
  const ladder = new SandboxLadder({ ...run, findProgram }, components);
  const runner = await ladder.launch(view, 'inherit');
  for (const pid of runner.processes) group?.add(pid);
  const maxPages = maxPagesOf(run.limits?.memoryBytes ?? WHOLE_MEMORY_BYTES);
  await runner.load(loadOrder(program, runner.sandbox.names(view).moduleDir, maxPages));
  return runner;
}

function viewOf(run: LocalRun, moduleDir: string): SandboxView {
  const directories = run.dirs.map(({ hostPath, readOnly = false }) => ({
    hostPath: path.resolve(hostPath),
    readOnly,
  }));
  return { moduleDir, directories };
}

async function runToEnd(
  { run, program, preopens, view }: Job,
  runner: RunnerProcess,
  { group, interruption }: { readonly group: Cgroup | undefined; readonly interruption: Interruption },
): Promise<LocalExit> {
  const { limits = {}, fuelLimit } = run;
  const { directories } = runner.sandbox.names(view);
  await runner.run({
    type: 'run',
    args: [program.argv0 ?? path.basename(run.modulePath), ...run.args],
    env: run.env,
    preopens: preopens.map(({ directory, ...preopen }) => ({
      ...preopen,
      hostPath: directories[directory] ?? preopen.hostPath,
    })),
    ...(limits.storageBytes === undefined ? {} : { quota: quotaOf(limits.storageBytes) }),
    ...(isMetered(run) ? { fuel: fuelLimit === undefined ? {} : { limit: String(fuelLimit) } } : {}),
  });
  const exit = await runner.exited;
  const end = classifyLocally(run, runner, { exit, group, sentSignal: interruption.signal });
  return isMetered(run) ? { ...end, fuelUsed: runner.fuelUsed } : end;
}

interface LocalEnd {
  readonly exit: ProcessExit;
  readonly group: Cgroup | undefined;
  readonly sentSignal: EndSignal | undefined;
}

function classifyLocally(
  { limits = {}, fuelLimit = 0 }: LocalRun,
  runner: RunnerProcess,
  { exit, group, sentSignal }: LocalEnd,
): RunExit {
  return classifyExit({
    report: runner.ended,
    exit,
    sentSignal,
    oomKilled: (group?.oomKills() ?? 0) > 0,
    diagnostics: runner.diagnostics,
    memoryLimitBytes: limits.memoryBytes ?? WHOLE_MEMORY_BYTES,
    memoryPeakBytes: group?.peakMemoryBytes() ?? runner.ended?.peakRssBytes ?? 0,
    storageLimitBytes: limits.storageBytes ?? Infinity,
    filesLimit: limits.storageBytes === undefined ? Infinity : quotaOf(limits.storageBytes).entries,
    fuel: { limit: fuelLimit, used: runner.fuelUsed },
  });
}

/** Only for limits that WebAssembly does not keep by itself. */
function localGroup(limits: Partial<Resources> = {}, moduleBytes: number): Cgroup | undefined {
  if (limits.memoryBytes === undefined && limits.cpuThreads === undefined) return undefined;
  const group = probeCgroups()?.open(groupName(`local-${randomUUID()}`));
  group?.limit(groupLimits(limits, moduleBytes));
  return group;
}
