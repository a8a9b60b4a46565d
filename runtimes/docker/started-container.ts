import { constants } from 'node:os';
import { stat } from 'node:fs/promises';
import type { Clock } from '../../src/interface/clock.ts';
import { delay } from '../../src/util/delay.ts';
import { RuntimeError } from '../errors.ts';
import { DEFAULT_CWD, DEFAULT_PATH, VOLUME_MOUNT } from './container-spec.ts';
import type { Engine } from './engine/engine.ts';
import type { Container } from './engine/schemas.ts';
import type { Handle } from './handle.ts';
import { InitChannel, type StartRefusal } from './init/channel.ts';
import { findCgroup, type ContainerCgroup } from './limits/container-cgroup.ts';
import type { Volume } from './volume/volume.ts';
import type { WorkDir } from './work-dir.ts';

export interface StartInit {
  readonly handle: Handle;
  readonly workDir: WorkDir;
  readonly cgroupRoot: string;
}
export interface StartComponents {
  readonly engine: Engine;
  readonly volume: Volume;
  readonly clock: Clock;
}

/** A container whose init has answered. */
export interface StartedContainer {
  readonly channel: InitChannel;
  readonly cgroup: ContainerCgroup;
  /** The host's number of its init. */
  readonly pid: number;
  /** What commands get unless they say otherwise: the image's and the deployment's. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

const DEFAULT_ENV = { PATH: DEFAULT_PATH, HOME: DEFAULT_CWD, HOSTNAME: 'ergon' };
const LOOK_MS = 500;

/**
 * Starts a container, or takes over one that runs. One that has ended is never started again: what it left in its
 * volume is nothing that the engine should mount.
 * @throws RuntimeError ERR_RUNTIME_FAILED when it has ended; ERR_RUNTIME_UNAVAILABLE when it could not be limited
 */
export async function startContainer(
  init: StartInit,
  components: StartComponents,
): Promise<StartedContainer> {
  const { engine, clock } = components;
  const { container } = init.handle;
  const before = await inspect(engine, container);
  if (!before.State.Running && before.State.Status !== 'created') throw hasEnded(before);
  if (before.State.Paused) await engine.unpauseContainer(container);
  const channel = await InitChannel.open(init.workDir.guest, clock);
  try {
    await engine.startContainer(container);
    await greet(channel, container, components);
    return await describe(channel, init, components);
  } catch (error) {
    channel.close();
    throw error;
  }
}

/** Init may fail at once, where it cannot run; then nobody will ever answer. */
async function greet(
  channel: InitChannel,
  container: string,
  { engine, clock }: StartComponents,
): Promise<void> {
  const greeted = new AbortController();
  const ended = async (): Promise<void> => {
    while (!greeted.signal.aborted) {
      const found = await inspect(engine, container);
      if (!found.State.Running) throw hasEnded(found);
      await delay(clock, LOOK_MS, greeted.signal).catch(() => undefined);
    }
  };
  try {
    await Promise.race([channel.greet(), ended()]);
  } finally {
    greeted.abort();
  }
}

async function describe(
  channel: InitChannel,
  { handle, workDir, cgroupRoot }: StartInit,
  { engine, volume }: StartComponents,
): Promise<StartedContainer> {
  const { State, Config } = await inspect(engine, handle.container);
  const cgroup = findCgroup({ root: cgroupRoot, container: handle.container, pid: State.Pid });
  if (cgroup === undefined) {
    throw new RuntimeError(
      'ERR_RUNTIME_UNAVAILABLE',
      `The container's control group is not to be seen below ${cgroupRoot}: its usage could not be metered`,
      { cgroupRoot },
    );
  }
  await expectVolume(volume, workDir, State.Pid);
  const cwd = Config.WorkingDir === '' ? DEFAULT_CWD : Config.WorkingDir;
  return { channel, cgroup, pid: State.Pid, cwd, env: { ...DEFAULT_ENV, ...parseEnv(Config.Env ?? []) } };
}

async function inspect(engine: Engine, container: string): Promise<Container> {
  const found = await engine.inspectContainer(container);
  if (found !== undefined) return found;
  throw new RuntimeError('ERR_RUNTIME_FAILED', 'The container does not exist any more', { container });
}

/** An engine in another mount namespace does not see what we have mounted, and the quota would hold nothing. */
async function expectVolume(volume: Volume, workDir: WorkDir, pid: number): Promise<void> {
  if (volume.kind !== 'filesystem') return;
  const inside = await stat(`/proc/${pid}/root${VOLUME_MOUNT}`).catch(() => undefined);
  const outside = await stat(workDir.volumes);
  if (inside === undefined || inside.dev === outside.dev) return;
  throw new RuntimeError(
    'ERR_RUNTIME_UNAVAILABLE',
    "The engine does not see the volume's file system: set the option volume to measured",
  );
}

function parseEnv(variables: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    variables.map((variable) => {
      const at = variable.indexOf('=');
      return at < 0 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
    }),
  );
}

function hasEnded({ Id, State }: Container): RuntimeError {
  const why = State.Error === '' ? `exit code ${State.ExitCode}` : State.Error;
  return new RuntimeError('ERR_RUNTIME_FAILED', `The container has ended: ${why}`, {
    container: Id,
    exitCode: State.ExitCode,
  });
}

const { ENOENT, ENOTDIR, EACCES, ENOEXEC, E2BIG } = constants.errno;

/** Why a program could not be started: the fault of whoever named it, or of this machine. */
export function programRefusal(entryPoint: string, { errno }: StartRefusal): RuntimeError {
  const isTheirs = [ENOENT, ENOTDIR, EACCES, ENOEXEC, E2BIG].includes(errno);
  const name = Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
  return new RuntimeError(
    isTheirs ? 'ERR_RUNTIME_PROGRAM' : 'ERR_RUNTIME_FAILED',
    `The program ${entryPoint.slice(0, 200)} cannot be started: ${name}`,
    { entryPoint, errno: name },
  );
}
