import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { RunExit } from '../../src/interface/exe-unit-runtime.ts';
import type { Resources } from '../../src/interface/market.ts';
import { systemClock } from '../../src/util/clock.ts';
import { classifyExit } from './exit.ts';
import type { Cgroup } from './limits/cgroup.ts';
import { quotaOf } from './limits/disk-usage.ts';
import { groupName } from './handle.ts';
import { groupLimits } from './limits/runner-limits.ts';
import { endGroup } from './limits/group.ts';
import { probeCgroups } from './limits/probe.ts';
import { MAX_PAGES, PAGE_BYTES } from './module/limits.ts';
import { maxPagesOf } from './module/prepare.ts';
import { preparePackage } from './package.ts';
import { SandboxLadder } from './sandbox/ladder.ts';
import { findProgram } from './sandbox/programs.ts';
import type { RunnerComponents, RunnerProcess } from './sandbox/runner-process.ts';
import type { SandboxName, SandboxView } from './sandbox/sandbox.ts';
import { MODULE_FILE } from './work-dir.ts';

export interface LocalDirectory {
  readonly hostPath: string;
  readonly guestPath: string;
  readonly readOnly?: boolean;
}
export interface LocalRun {
  readonly modulePath: string;
  /** After the program's own name, which is the module's file name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Preopened in this order; without any, the guest has no file system. */
  readonly dirs: readonly LocalDirectory[];
  /** Absent ones are not limited. */
  readonly limits?: Partial<Resources>;
  /** Only this sandbox; absent: the strongest that works. */
  readonly sandbox?: SandboxName;
}

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
  components: RunnerComponents = { clock: systemClock(), logger: silent },
): Promise<RunExit> {
  const moduleDir = await mkdtemp(path.join(os.tmpdir(), 'ergon-wasi-run-'));
  const memoryBytes = run.limits?.memoryBytes ?? WHOLE_MEMORY_BYTES;
  let group: Cgroup | undefined;
  try {
    const module = await preparePackage(run.modulePath, memoryBytes);
    await writeFile(path.join(moduleDir, MODULE_FILE), module);
    group = localGroup(run.limits, module.length);
    const runner = await load(run, moduleDir, group, components);
    // Nothing is left behind, however this process ends.
    await rm(moduleDir, { recursive: true, force: true });
    return await runToEnd(run, runner, viewOf(run, moduleDir), group);
  } finally {
    await rm(moduleDir, { recursive: true, force: true });
    if (group !== undefined) await endGroup(group, components.clock);
  }
}

async function load(
  run: LocalRun,
  moduleDir: string,
  group: Cgroup | undefined,
  components: RunnerComponents,
): Promise<RunnerProcess> {
  const ladder = new SandboxLadder({ ...run, findProgram }, components);
  const view = viewOf(run, moduleDir);
  const runner = await ladder.launch(view, 'inherit');
  for (const pid of runner.processes) group?.add(pid);
  const modulePath = path.join(runner.sandbox.names(view).moduleDir, MODULE_FILE);
  const maxPages = maxPagesOf(run.limits?.memoryBytes ?? WHOLE_MEMORY_BYTES);
  await runner.load({ type: 'load', modulePath, maxPages });
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
  run: LocalRun,
  runner: RunnerProcess,
  view: SandboxView,
  group: Cgroup | undefined,
): Promise<RunExit> {
  const { limits = {} } = run;
  runner.run({
    type: 'run',
    args: [path.basename(run.modulePath), ...run.args],
    env: run.env,
    preopens: runner.sandbox.names(view).directories.map((hostPath, i) => ({
      hostPath,
      guestPath: run.dirs[i]?.guestPath ?? '/',
      readOnly: run.dirs[i]?.readOnly ?? false,
    })),
    ...(limits.storageBytes === undefined ? {} : { quota: quotaOf(limits.storageBytes) }),
  });
  const exit = await runner.exited;
  return classifyExit({
    report: runner.ended,
    exit,
    sentSignal: undefined,
    oomKilled: (group?.oomKills() ?? 0) > 0,
    diagnostics: runner.diagnostics,
    memoryLimitBytes: limits.memoryBytes ?? WHOLE_MEMORY_BYTES,
    memoryPeakBytes: group?.peakMemoryBytes() ?? runner.ended?.peakRssBytes ?? 0,
    storageLimitBytes: limits.storageBytes ?? Infinity,
    cpuNs: BigInt(runner.ended?.cpuUs ?? 0) * 1000n,
  });
}

/** Only for limits that WebAssembly does not keep by itself. */
function localGroup(limits: Partial<Resources> = {}, moduleBytes: number): Cgroup | undefined {
  if (limits.memoryBytes === undefined && limits.cpuThreads === undefined) return undefined;
  const group = probeCgroups()?.open(groupName(`local-${randomUUID()}`));
  group?.limit(groupLimits(limits, moduleBytes));
  return group;
}
