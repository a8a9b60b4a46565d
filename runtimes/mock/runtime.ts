import { existsSync } from 'node:fs';
import { access, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import type {
  DeploySpec,
  ExeUnitRuntime,
  Fingerprint,
  RuntimeComponents,
  RuntimeStats,
  RuntimeSupports,
} from '../../src/interface/exe-unit-runtime.ts';
import { checker } from '../../src/util/check.ts';
import { newId } from '../../src/util/id.ts';
import { RuntimeError } from '../errors.ts';
import { expectOutput } from '../shared/self-test.ts';
import { directoryBytes } from './directory-bytes.ts';
import { killTree, reapedCpuNs, signalTree, usageOf } from './process-tree.ts';
import { launch } from './launch.ts';

/** util-linux: lets the kernel kill the workload when its supervisor dies. */
const SETPRIV = '/usr/bin/setpriv';
/** The kernel says nothing of a supervisor that died before it was asked to: so look once more whose child it is. */
const DIE_WITH_SUPERVISOR = [
  ...[SETPRIV, '--pdeathsig', 'KILL', '--'],
  ...['/bin/sh', '-c', '[ "$PPID" = "$0" ] && exec "$@"', String(process.pid)],
];

const supports: RuntimeSupports = {
  signal: true,
  suspend: true,
  recover: false,
  cpuTimeLimit: true,
  memoryLimit: false,
  diskLimit: false,
  cpuShare: false,
  networks: false,
};

const Handle = Type.Object(
  { workDir: Type.String({ maxLength: 4096 }), marker: Type.String({ pattern: '^[0-9a-f-]{36}$' }) },
  { additionalProperties: false },
);
const checkHandle = checker(Handle, 'handle of the mock runtime');

/** What only the deploying process knows. */
interface Deployment {
  readonly env: Readonly<Record<string, string>>;
  readonly reapedAtDeployNs: bigint;
  memoryPeakBytes: number;
  /** Process group of the command that was started last. */
  group?: number;
}

/** Built-in programs (program.ts) as real processes in the volume's directory, with no wall around them. */
export function mockRuntime({ descriptor, clock }: RuntimeComponents): ExeUnitRuntime {
  const deployments = new Map<string, Deployment>();
  const prefix = existsSync(SETPRIV) ? DIE_WITH_SUPERVISOR : [];

  const runtime: ExeUnitRuntime = {
    descriptor,
    supports,
    fingerprint: async () => fingerprint(prefix.length > 0),
    selfTest: (workDir) => selfTest(runtime, workDir),
    async deploy(spec) {
      const handle = JSON.stringify({ workDir: spec.workDir, marker: await prepare(spec) });
      deployments.set(handle, { env: spec.env, reapedAtDeployNs: await reapedCpuNs(), memoryPeakBytes: 0 });
      return handle;
    },
    async start(handle) {
      deployed(handle);
    },
    async run(handle, command, output) {
      const deployment = deployed(handle);
      const { workDir, marker } = parse(handle);
      const init = { prefix, cwd: join(workDir, 'volumes'), env: deployment.env, marker, clock };
      const running = await launch(init, command, output);
      deployment.group = running.group;
      void running.exit.then(() => delete deployment.group);
      return running;
    },
    async suspend(handle) {
      await signalTree(parse(handle).marker, 'SIGSTOP', deployed(handle).group);
    },
    async resume(handle) {
      await signalTree(parse(handle).marker, 'SIGCONT', deployed(handle).group);
    },
    stats: (handle) => stats(parse(handle), deployed(handle)),
    volumeRoot: (handle) => join(parse(handle).workDir, 'volumes'),
    guestView: async () => ({
      workingDirectory: '/',
      directories: [{ guestPath: '/', volumePath: '/' }],
    }),
    stop: (handle) => killAll(handle),
    async destroy(handle) {
      await killAll(handle);
      deployments.delete(handle);
    },
    async discard({ workDir }) {
      const marker = await markerIn(workDir);
      if (marker !== undefined) await killAll(JSON.stringify({ workDir, marker }));
    },
    recover: async () => false,
  };

  async function killAll(handle: string): Promise<void> {
    if (!(await killTree(parse(handle).marker, clock, deployments.get(handle)?.group))) {
      throw new RuntimeError('ERR_RUNTIME_FAILED', 'processes of the deployment do not die', { handle });
    }
  }

  function deployed(handle: string): Deployment {
    const deployment = deployments.get(handle);
    if (deployment === undefined)
      throw new RuntimeError('ERR_RUNTIME_HANDLE', `not deployed here: ${handle.slice(0, 200)}`);
    return deployment;
  }

  return runtime;
}

function parse(handle: string): { workDir: string; marker: string } {
  try {
    return checkHandle(JSON.parse(handle));
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_HANDLE',
      `not a handle of the mock runtime: ${handle.slice(0, 200)}`,
      {},
      { cause },
    );
  }
}

/** Makes the directories and returns the deployment's marker: the one of an earlier attempt when there was one. */
async function prepare(spec: DeploySpec): Promise<string> {
  const runtimeDir = join(spec.workDir, 'runtime');
  await mkdir(runtimeDir, { recursive: true });
  await mkdir(join(spec.workDir, 'volumes', 'tmp'), { recursive: true });
  if (spec.packagePath !== undefined) await linkPackage(spec.packagePath, join(runtimeDir, 'package'));
  const known = await markerIn(spec.workDir);
  if (known !== undefined) return known;
  const marker = newId();
  await writeFile(markerFile(spec.workDir), marker);
  return marker;
}

const markerFile = (workDir: string): string => join(workDir, 'runtime', 'marker');

async function markerIn(workDir: string): Promise<string | undefined> {
  const known = await readFile(markerFile(workDir), 'utf8').catch(() => '');
  return /^[0-9a-f-]{36}$/.test(known) ? known : undefined;
}

async function linkPackage(packagePath: string, link: string): Promise<void> {
  try {
    await access(packagePath);
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_PACKAGE',
      `cannot read the package ${packagePath}`,
      { packagePath },
      { cause },
    );
  }
  await rm(link, { force: true });
  await symlink(packagePath, link);
}

async function stats(
  { workDir, marker }: { workDir: string; marker: string },
  deployment: Deployment,
): Promise<RuntimeStats> {
  // The ended ones first: what ends in between is then counted late rather than twice.
  const reapedNs = (await reapedCpuNs()) - deployment.reapedAtDeployNs;
  const live = await usageOf(marker);
  deployment.memoryPeakBytes = Math.max(deployment.memoryPeakBytes, live.memoryBytes);
  return {
    cpuNs: reapedNs + live.cpuNs,
    memoryBytes: live.memoryBytes,
    memoryPeakBytes: deployment.memoryPeakBytes,
    diskBytes: await directoryBytes(join(workDir, 'volumes')),
    counters: {},
  };
}

function fingerprint(diesWithSupervisor: boolean): Fingerprint {
  const notes = ['no isolation of any kind: only for tests'];
  if (!diesWithSupervisor)
    notes.push(`${SETPRIV} is missing: a workload may outlive its supervisor until it is reaped`);
  return { available: true, notes, properties: { 'ergon.runtime.sandbox': 'none' } };
}

async function selfTest(runtime: ExeUnitRuntime, workDir: string): Promise<void> {
  const resources = { cpuThreads: 1, memoryBytes: 1 << 26, storageBytes: 1 << 20 };
  const command = { entryPoint: 'echo', args: ['self-test'] };
  await expectOutput(runtime, { workDir, resources }, command, 'self-test\n');
}
