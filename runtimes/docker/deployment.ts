import { constants as osConstants } from 'node:os';
import type {
  RunCommand,
  RunExit,
  RunningCommand,
  RunOutput,
  RuntimeStats,
} from '../../src/interface/exe-unit-runtime.ts';
import type { Logger } from '../../src/interface/logger.ts';
import { delay } from '../../src/util/delay.ts';
import { errorMessage } from '../../src/util/error-message.ts';
import { RuntimeError } from '../errors.ts';
import { isRefusal } from './engine/call.ts';
import { classifyExit, type LimitExit } from './exit.ts';
import type { Handle } from './handle.ts';
import { StartRefusal } from './init/channel.ts';
import type { WaitStatus } from './init/protocol.ts';
import { Meter } from './limits/meter.ts';
import { Watch } from './limits/watch.ts';
import { fence } from './outside/fence.ts';
import {
  programRefusal,
  startContainer,
  type StartComponents,
  type StartedContainer,
  type StartInit,
} from './started-container.ts';
import { Streams, type Drain } from './streams.ts';
import { Tunnels } from './tunnel/tunnels.ts';
import { giveFiles } from './volume/owned-directories.ts';
import type { Volume } from './volume/volume.ts';

export interface DeploymentInit extends StartInit {
  readonly handle: Handle;
}
export interface DeploymentComponents extends StartComponents {
  readonly logger: Logger;
}

interface Started extends StartedContainer {
  readonly watch: Watch;
}

interface Running {
  readonly drain: Drain;
  readonly exit: Promise<RunExit>;
  sentSignal: string | undefined;
}

/** Together as long as a killed process may take to go on a busy machine. */
const BUSY_ATTEMPTS = 250;
const BUSY_RETRY_MS = 20;
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
  readonly #tunnels: Tunnels;

  constructor(init: DeploymentInit, components: DeploymentComponents) {
    this.#init = init;
    this.#components = components;
    this.#tunnels = new Tunnels(init.handle, components);
  }

  get volume(): Volume {
    return this.#components.volume;
  }

  /** Starts the container, or takes over one that runs. @throws RuntimeError ERR_RUNTIME_FAILED when it has ended */
  async start(): Promise<void> {
    if (this.#started !== undefined) return;
    const started = await startContainer(this.#init, this.#components);
    await this.#connect(started.pid).catch((error: unknown) => {
      started.channel.close();
      throw error;
    });
    this.#meter.attach(started.cgroup);
    const { clock, volume } = this.#components;
    const watch = new Watch(this.#init.handle, {
      clock,
      volume,
      cgroup: started.cgroup,
      onViolation: (violation) => this.#violate(violation),
    });
    watch.start();
    this.#started = { ...started, watch };
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
    started.watch.forget();
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
    const { bytes, files } = await this.volume.usage();
    return { ...this.#meter.read(), diskBytes: bytes, files };
  }

  /** Nothing but init runs after this; or the container itself is gone. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running !== undefined) await this.#signal(running, 'SIGKILL');
    else this.#started?.channel.kill(SIGKILL);
    await running?.exit;
  }

  /** Takes its networks from the container. */
  async disconnect(): Promise<void> {
    await this.#tunnels.close();
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

  /** Before any program of the guest's runs. */
  async #connect(pid: number): Promise<void> {
    const allow = this.#init.handle.fence;
    if (allow !== undefined) await fence(pid, allow);
    await this.#tunnels.open(pid);
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

  async #launch(
    { channel, cwd, env }: Started,
    command: RunCommand,
  ): Promise<{ readonly ended: Promise<WaitStatus | undefined> }> {
    const request = {
      hasStdin: command.stdinPath !== undefined,
      cwd,
      args: [command.entryPoint, ...command.args],
      env: { ...env, ...command.env },
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await channel.run(request);
      } catch (error) {
        if (!(error instanceof StartRefusal)) throw error;
        // The command of a supervisor before this one, which has been killed and is not quite gone.
        const isDying = error.errno === osConstants.errno.EBUSY && attempt < BUSY_ATTEMPTS;
        if (!isDying) throw programRefusal(command.entryPoint, error);
      }
      await delay(this.#components.clock, BUSY_RETRY_MS);
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
      return await this.#classify(status, violation, cgroup.oomKills() - oomKillsBefore, watch.sawFull);
    } catch (error) {
      channel.kill(SIGKILL);
      drain.abandon();
      if (this.#running !== undefined) this.#insist(this.#running);
      await ended;
      return { kind: 'failed', message: errorMessage(error) };
    } finally {
      this.#running = undefined;
    }
  }

  async #classify(
    status: WaitStatus | undefined,
    violation: LimitExit | undefined,
    oomKills: number,
    sawFull: LimitExit | undefined,
  ): Promise<RunExit> {
    const { memoryBytes, storageBytes } = this.#init.handle;
    const usage = await this.volume.usage().catch(() => undefined);
    const { memoryPeakBytes } = this.#meter.read();
    return classifyExit({
      status,
      violation,
      sentSignal: this.#running?.sentSignal,
      oomKills,
      storageFull: usage?.full ?? sawFull,
      diskBytes: usage?.bytes ?? 0,
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
