import { constants as osConstants } from 'node:os';
import { stat } from 'node:fs/promises';
import type {
  RunCommand,
  RunExit,
  RunningCommand,
  RunOutput,
  RuntimeStats,
} from '../../src/interface/exe-unit-runtime.ts';
import type { Clock } from '../../src/interface/clock.ts';
import type { Logger } from '../../src/interface/logger.ts';
import { delay } from '../../src/util/delay.ts';
import { RuntimeError } from '../errors.ts';
import { DEFAULT_CWD, DEFAULT_PATH, VOLUME_MOUNT } from './container-spec.ts';
import { isRefusal } from './engine/call.ts';
import type { Engine } from './engine/engine.ts';
import type { Container } from './engine/schemas.ts';
import { classifyExit, type LimitExit } from './exit.ts';
import type { Handle } from './handle.ts';
import { InitChannel, StartRefusal } from './init/channel.ts';
import type { WaitStatus } from './init/protocol.ts';
import { findCgroup, type ContainerCgroup } from './limits/container-cgroup.ts';
import { Meter } from './limits/meter.ts';
import { Watch } from './limits/watch.ts';
import { Streams, type Drain } from './streams.ts';
import { giveFiles } from './volume/owned-directories.ts';
import type { Volume } from './volume/volume.ts';
import type { WorkDir } from './work-dir.ts';

export interface DeploymentInit {
  readonly handle: Handle;
  readonly workDir: WorkDir;
  readonly cgroupRoot: string;
}
export interface DeploymentComponents {
  readonly engine: Engine;
  readonly volume: Volume;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Started {
  readonly channel: InitChannel;
  readonly cgroup: ContainerCgroup;
  readonly watch: Watch;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

interface Running {
  readonly drain: Drain;
  readonly exit: Promise<RunExit>;
  sentSignal: string | undefined;
}

/** How long init may take to kill, before the engine is asked to kill the whole container. */
const KILL_PATIENCE_MS = 10_000;
const FREEZE_ATTEMPTS = 10;
const FREEZE_RETRY_MS = 50;
const { SIGKILL } = osConstants.signals;

/** One activity's container, and the commands in it. */
export class Deployment {
  readonly #init: DeploymentInit;
  readonly #components: DeploymentComponents;
  readonly #meter = new Meter();
  #started: Started | undefined;
  #running: Running | undefined;
  #violation: LimitExit | undefined;
  #isSuspended = false;

  constructor(init: DeploymentInit, components: DeploymentComponents) {
    this.#init = init;
    this.#components = components;
  }

  get volume(): Volume {
    return this.#components.volume;
  }

  /** Starts the container, or takes over one that runs. @throws RuntimeError ERR_RUNTIME_FAILED when it has ended */
  async start(): Promise<void> {
    if (this.#started !== undefined) return;
    const { engine, clock } = this.#components;
    const { container } = this.#init.handle;
    const before = await this.#inspect();
    if (!before.State.Running && before.State.Status !== 'created') throw hasEnded(before);
    if (before.State.Paused) await engine.unpauseContainer(container);
    const channel = await InitChannel.open(this.#init.workDir.guest, clock);
    try {
      await engine.startContainer(container);
      const found = await this.#greet(channel);
      this.#started = await this.#attach(channel, found);
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  async run(command: RunCommand, output: RunOutput): Promise<RunningCommand> {
    const started = this.#needStarted();
    if (this.#running !== undefined)
      throw new RuntimeError('ERR_RUNTIME_FAILED', 'A command is running already');
    const violation = this.#violation;
    if (violation !== undefined) return { exit: Promise.resolve(violation), signal: async () => undefined };
    const { workDir, handle } = this.#init;
    await giveFiles(workDir.volumes, handle);
    const oomKillsBefore = started.cgroup.oomKills();
    const streams = new Streams(workDir.guest, command.stdinPath !== undefined);
    const { ended } = await this.#launch(started, command).catch((error: unknown) => {
      streams.close();
      throw error;
    });
    streams.feed(command.stdinPath);
    const drain = streams.drain(output);
    const exit = this.#finish(started, drain, ended, oomKillsBefore);
    const running: Running = { drain, exit, sentSignal: undefined };
    this.#running = running;
    return { exit, signal: (signal) => this.#signal(running, signal) };
  }

  async suspend(): Promise<void> {
    this.#needStarted();
    if (this.#isSuspended) return;
    await this.#freeze();
    this.#isSuspended = true;
  }

  async resume(): Promise<void> {
    if (!this.#isSuspended) return;
    await this.#components.engine.unpauseContainer(this.#init.handle.container);
    this.#isSuspended = false;
  }

  async stats(): Promise<RuntimeStats> {
    const { bytes } = await this.volume.usage();
    return { ...this.#meter.read(), diskBytes: bytes, counters: {} };
  }

  /** Nothing but init runs after this; or the container itself is gone. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running !== undefined) await this.#signal(running, 'SIGKILL');
    else this.#started?.channel.kill(SIGKILL);
    await running?.exit;
  }

  /** Lets go of the container, which lives on. */
  release(): void {
    this.#meter.read();
    this.#started?.watch.stop();
    this.#started?.channel.close();
    this.#started = undefined;
  }

  /** What the last command's end is when the container is removed under it. */
  noteRemoval(): void {
    if (this.#running !== undefined) this.#running.sentSignal ??= 'SIGKILL';
  }

  /** The kernel's first freezer gives up when processes come and go too fast; then it is tried again. */
  async #freeze(): Promise<void> {
    const { engine, clock } = this.#components;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await engine.pauseContainer(this.#init.handle.container);
        return;
      } catch (error) {
        if (attempt === FREEZE_ATTEMPTS || !isRefusal(error, 500)) throw error;
      }
      await delay(clock, FREEZE_RETRY_MS);
    }
  }

  async #inspect(): Promise<Container> {
    const found = await this.#components.engine.inspectContainer(this.#init.handle.container);
    if (found !== undefined) return found;
    throw new RuntimeError('ERR_RUNTIME_FAILED', 'The container does not exist any more', {
      container: this.#init.handle.container,
    });
  }

  /** Init may fail at once, on an engine that cannot run it; then nobody will ever answer. */
  async #greet(channel: InitChannel): Promise<Container> {
    const found = await this.#inspect();
    if (!found.State.Running) throw hasEnded(found);
    const { promise: never } = Promise.withResolvers<never>();
    await channel.greet(never);
    return found;
  }

  async #attach(channel: InitChannel, { State, Config }: Container): Promise<Started> {
    const { handle, cgroupRoot } = this.#init;
    const { clock, volume } = this.#components;
    const cgroup = findCgroup({ root: cgroupRoot, container: handle.container, pid: State.Pid });
    if (cgroup === undefined) {
      throw new RuntimeError(
        'ERR_RUNTIME_UNAVAILABLE',
        `The container's control group is not to be seen below ${cgroupRoot}: its usage could not be metered`,
        { cgroupRoot },
      );
    }
    await this.#expectVolume(State.Pid);
    this.#meter.attach(cgroup);
    const onViolation = (violation: LimitExit): void => this.#violate(violation);
    const watch = new Watch(handle, { clock, cgroup, volume, onViolation });
    watch.start();
    const cwd = Config.WorkingDir === '' ? DEFAULT_CWD : Config.WorkingDir;
    return { channel, cgroup, watch, cwd, env: { ...DEFAULT_ENV, ...parseEnv(Config.Env ?? []) } };
  }

  /** An engine in another mount namespace does not see what we have mounted, and the quota would hold nothing. */
  async #expectVolume(pid: number): Promise<void> {
    if (this.volume.kind !== 'filesystem') return;
    const inside = await stat(`/proc/${pid}/root${VOLUME_MOUNT}`).catch(() => undefined);
    const outside = await stat(this.#init.workDir.volumes);
    if (inside === undefined || inside.dev === outside.dev) return;
    throw new RuntimeError(
      'ERR_RUNTIME_UNAVAILABLE',
      "The engine does not see the volume's file system: set the option volume to measured",
    );
  }

  async #launch(
    { channel, cwd, env }: Started,
    command: RunCommand,
  ): Promise<{ readonly ended: Promise<WaitStatus | undefined> }> {
    try {
      return await channel.run({
        hasStdin: command.stdinPath !== undefined,
        cwd,
        args: [command.entryPoint, ...command.args],
        env: { ...env, ...command.env },
      });
    } catch (error) {
      throw error instanceof StartRefusal ? refusal(command.entryPoint, error) : error;
    }
  }

  async #finish(
    { channel, cgroup, watch }: Started,
    drain: Drain,
    ended: Promise<WaitStatus | undefined>,
    oomKillsBefore: number,
  ): Promise<RunExit> {
    try {
      // A reader that fails ends the command: nobody would see what it still writes.
      const status = await Promise.race([ended, drain.done.then(() => ended)]);
      await drain.finish(this.#components.clock, () => channel.kill(SIGKILL));
      const violation = this.#violation ?? (await watch.look().catch(() => undefined));
      return await this.#classify(status, violation, cgroup.oomKills() - oomKillsBefore);
    } catch (error) {
      channel.kill(SIGKILL);
      drain.abandon();
      return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
    } finally {
      this.#running = undefined;
    }
  }

  async #classify(
    status: WaitStatus | undefined,
    violation: LimitExit | undefined,
    oomKills: number,
  ): Promise<RunExit> {
    const { memoryBytes, storageBytes } = this.#init.handle;
    const usage = await this.volume.usage().catch(() => ({ bytes: 0, isFull: false }));
    const { memoryPeakBytes } = this.#meter.read();
    return classifyExit({
      status,
      violation,
      sentSignal: this.#running?.sentSignal,
      oomKills,
      isDiskFull: usage.isFull,
      diskBytes: usage.bytes,
      storageBytes,
      memoryBytes,
      memoryPeakBytes,
    });
  }

  async #signal(running: Running, signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<void> {
    const started = this.#started;
    if (started === undefined || this.#running !== running) return;
    running.sentSignal = signal;
    started.channel.kill(osConstants.signals[signal]);
    if (signal !== 'SIGKILL') return;
    // The frozen die only when they are thawed.
    await this.resume();
    this.#insist(running);
  }

  /** Whatever keeps init from killing, the engine can end the container. */
  #insist(running: Running): void {
    const { clock, engine, logger } = this.#components;
    const cancel = clock.setTimer(() => {
      logger.warn({ container: this.#init.handle.container }, 'init does not kill; the container is killed');
      engine.killContainer(this.#init.handle.container).then(
        () => running.drain.abandon(),
        (error: unknown) => logger.warn({ error: String(error) }, 'cannot kill the container'),
      );
    }, KILL_PATIENCE_MS);
    void running.exit.then(cancel);
  }

  #violate(violation: LimitExit): void {
    this.#violation = violation;
    this.#started?.channel.kill(SIGKILL);
    if (this.#running !== undefined) this.#insist(this.#running);
  }

  #needStarted(): Started {
    if (this.#started === undefined)
      throw new RuntimeError('ERR_RUNTIME_FAILED', 'The container is not started');
    return this.#started;
  }
}

const DEFAULT_ENV = { PATH: DEFAULT_PATH, HOME: DEFAULT_CWD, HOSTNAME: 'ergon' };

function parseEnv(variables: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    variables.map((variable) => {
      const at = variable.indexOf('=');
      return at < 0 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
    }),
  );
}

const { ENOENT, ENOTDIR, EACCES, ENOEXEC, E2BIG } = osConstants.errno;

function refusal(entryPoint: string, { errno }: StartRefusal): RuntimeError {
  const isTheirs = [ENOENT, ENOTDIR, EACCES, ENOEXEC, E2BIG].includes(errno);
  const name = Object.entries(osConstants.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
  return new RuntimeError(
    isTheirs ? 'ERR_RUNTIME_PROGRAM' : 'ERR_RUNTIME_FAILED',
    `The program ${entryPoint.slice(0, 200)} cannot be started: ${name}`,
    { entryPoint, errno: name },
  );
}

function hasEnded({ Id, State }: Container): RuntimeError {
  const why = State.Error === '' ? `exit code ${State.ExitCode}` : State.Error;
  return new RuntimeError('ERR_RUNTIME_FAILED', `The container has ended: ${why}`, {
    container: Id,
    exitCode: State.ExitCode,
  });
}
