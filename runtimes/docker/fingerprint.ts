import { access } from 'node:fs/promises';
import type { Fingerprint } from '../../src/interface/exe-unit-runtime.ts';
import type { Properties } from '../../src/interface/values.ts';
import { errorMessage } from '../../src/util/error-message.ts';
import type { Engine } from './engine/engine.ts';
import type { Info } from './engine/schemas.ts';
import { BINARIES } from './init/binaries.ts';
import { findCgroup, hasCgroups } from './limits/container-cgroup.ts';
import type { DockerSettings } from './options.ts';
import { seesAllProcesses, type OwnContainer } from './own-container.ts';
import type { Surroundings } from './surroundings.ts';

interface Components {
  readonly engine: Engine;
  /** Asked only when the engine has answered. */
  readonly surroundings: Pick<
    Surroundings,
    'ownContainer' | 'whyNoFilesystem' | 'whyNoFence' | 'whyNoNetworks'
  >;
}

interface Found {
  readonly info: Info;
  readonly own: OwnContainer | undefined;
  /** Whether the engine has the network that the option `network` names; undefined where it names none. */
  readonly hasNetwork: boolean | undefined;
  readonly whyNoFence: string | undefined;
  readonly whyNoFilesystem: string | undefined;
  readonly whyNoNetworks: string | undefined;
}

/** gVisor lets its guests open the host's pipes only when told so. */
const RUNSC_ARGUMENT = /^--?host-fifo=open$/;

/** What this machine's engine enforces, as far as it can be asked; the self-test finds out the rest. */
export async function fingerprintOf(
  settings: DockerSettings,
  { engine, surroundings }: Components,
): Promise<Fingerprint> {
  try {
    await access(settings.socketPath);
    const info = await engine.info();
    const { network } = settings;
    const hasNetwork = network === undefined ? undefined : await engine.hasNetwork(network);
    const found = {
      info,
      own: await surroundings.ownContainer(),
      hasNetwork,
      whyNoFence: hasNetwork === true ? await surroundings.whyNoFence() : undefined,
      whyNoFilesystem: await surroundings.whyNoFilesystem(),
      whyNoNetworks: await surroundings.whyNoNetworks(),
    };
    const missing = [...whatIsMissing(info, settings), ...whatIsHidden(found.own, settings)];
    return {
      available: missing.length === 0,
      notes: [...missing, ...weaknesses(found, settings)],
      properties: propertiesOf(found, settings),
      diskHeldBy: diskHeldBy(found),
      ...(found.whyNoNetworks === undefined && { capabilities: ['vpn'] }),
    };
  } catch (error) {
    const why = errorMessage(error);
    const remedy = `install and start it (Debian: apt-get install docker.io), or correct the option socketPath (${settings.socketPath})`;
    return {
      available: false,
      notes: [`the Docker engine does not answer: ${why}; ${remedy}`],
      properties: {},
    };
  }
}

/** Without these, strangers' programs are not let in. */
function whatIsMissing(info: Info, { cgroupRoot, engineRuntime }: DockerSettings): string[] {
  const missing: string[] = [];
  const expect = (isThere: boolean, why: string): void => {
    if (!isThere) missing.push(why);
  };
  const { runtime, args } = runtimeOf(info, engineRuntime);
  expect(info.OSType === 'linux', `the engine runs ${info.OSType} containers`);
  expect(BINARIES[process.arch] !== undefined, `there is no container init for ${process.arch}`);
  expect(info.MemoryLimit, 'the engine cannot limit memory: the kernel has no memory control group');
  expect(info.PidsLimit, 'the engine cannot limit processes: the kernel has no pids control group');
  expect(info.CpuCfsQuota !== false, 'the engine cannot limit CPU time: the kernel has no CPU quota');
  expect(hasCgroups(cgroupRoot), `there are no control groups at ${cgroupRoot}: usage could not be metered`);
  expect(!hasOption(info, 'userns'), "the engine remaps users: it could not write to the activity's volume");
  expect(!hasOption(info, 'rootless'), 'a rootless engine does not hold all limits');
  expect(args !== undefined, `the engine has no runtime ${runtime}: add it to /etc/docker/daemon.json`);
  expect(
    runtime !== 'runsc' || args === undefined || args.some((arg) => RUNSC_ARGUMENT.test(arg)),
    'runsc needs "runtimeArgs": ["--host-fifo=open"] in /etc/docker/daemon.json',
  );
  return missing;
}

/** A daemon in a container sees of other containers what it is shown; its own group stands for theirs. */
function whatIsHidden(own: OwnContainer | undefined, { cgroupRoot: root }: DockerSettings): string[] {
  if (own === undefined || findCgroup({ root, container: own.id, pid: 0 }) !== undefined) return [];
  return [
    `the daemon runs in a container and does not see other containers' control groups at ${root}: give it the host's ` +
      '(-v /sys/fs/cgroup:/host/cgroup:ro) and say so (runtimes.docker.cgroupRoot)',
  ];
}

function weaknesses(
  { info, own, hasNetwork, whyNoFence, whyNoFilesystem, whyNoNetworks }: Found,
  settings: DockerSettings,
): string[] {
  const { engineRuntime, network } = settings;
  const notes: string[] = [];
  if (hasNetwork === false) notes.push(`the engine has no network ${network}: none is sold`);
  if (whyNoFence !== undefined) {
    notes.push(
      `no network is sold: this machine and its neighbours could not be kept out of reach (${whyNoFence}); ` +
        'where the network itself keeps them so, say "networkAllow": ["0.0.0.0/0"]',
    );
  }
  if (!info.SwapLimit) notes.push('the engine cannot limit swap: a workload may swap beyond its memory');
  if (!hasOption(info, 'seccomp')) notes.push('the engine filters no system calls (seccomp)');
  if (!info.LiveRestoreEnabled) {
    notes.push('containers end with the engine; "live-restore": true in its configuration lets them live on');
  }
  if (whyNoFilesystem !== undefined) {
    notes.push(`the volume's quota is held by measuring: no file system of its own (${whyNoFilesystem})`);
  }
  if (whyNoNetworks !== undefined) notes.push(`no networks between activities (vpn): ${whyNoNetworks}`);
  if (own !== undefined && !seesAllProcesses()) {
    notes.push(
      "deleted files that are still open do not count as disk space: the daemon's container does not see other processes (--pid=host)",
    );
  }
  if (engineRuntime === undefined && info.Runtimes?.['runsc'] === undefined) {
    notes.push('runsc (gVisor) is not installed; with it a guest does not reach the kernel');
  }
  return notes;
}

/** The engine's own quota would hold a layer that nothing can write to; docs/runtimes.md says more. */
function diskHeldBy({ whyNoFilesystem }: Found): string {
  const rest = '(all else is read-only, or memory of a fixed size)';
  return whyNoFilesystem === undefined
    ? `a file system of the agreed size for the volume ${rest}`
    : `looking at the volume five times a second ${rest}`;
}

function propertiesOf(found: Found, { engineRuntime }: DockerSettings): Properties {
  const { info, hasNetwork, whyNoFence, whyNoFilesystem } = found;
  const limits = [
    ...(info.MemoryLimit ? ['memory'] : []),
    ...(info.SwapLimit ? ['swap'] : []),
    ...(info.PidsLimit ? ['pids'] : []),
    ...(info.CpuCfsQuota === false ? [] : ['cpu']),
    'disk',
  ];
  return {
    'ergon.runtime.sandbox': runtimeOf(info, engineRuntime).runtime,
    'ergon.runtime.sandbox.seccomp': hasOption(info, 'seccomp'),
    'ergon.runtime.cgroup': `v${info.CgroupVersion ?? '1'}`,
    'ergon.runtime.docker.version': info.ServerVersion,
    'ergon.runtime.docker.storage-driver': info.Driver,
    'ergon.runtime.docker.limits': limits,
    'ergon.runtime.docker.volume': whyNoFilesystem === undefined ? 'filesystem' : 'measured',
    'ergon.runtime.docker.live-restore': info.LiveRestoreEnabled,
    ...(hasNetwork === true && whyNoFence === undefined && { 'ergon.srv.network': true }),
  };
}

/** The runtime that containers get; no arguments when the engine does not know it. */
function runtimeOf(
  info: Info,
  chosen: string | undefined,
): { runtime: string; args: readonly string[] | undefined } {
  const runtime = chosen ?? info.DefaultRuntime;
  const known = info.Runtimes?.[runtime];
  return { runtime, args: known === undefined ? undefined : (known.runtimeArgs ?? []) };
}

function hasOption(info: Info, name: string): boolean {
  return (info.SecurityOptions ?? []).some((option) => option.split(',').includes(`name=${name}`));
}
