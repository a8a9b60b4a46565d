import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { extname, join } from 'node:path';
import type { Writable, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../interface/clock.ts';
import type { ExeUnitSpec } from '../../interface/exe-unit.ts';
import { newId } from '../../util/id.ts';
import { ExeUnitError } from '../errors.ts';
import { removeTree } from '../files.ts';
import { activitiesDirectory, WARM_PREFIX, workPaths } from '../paths.ts';
import { jsonLine, readJsonLines } from '../socket/lines.ts';
import { checkLaunchReport, type LaunchReport, type LaunchSettings } from '../socket/protocol.ts';

const PROGRAM = fileURLToPath(new URL(`../supervisor-main${extname(import.meta.url)}`, import.meta.url));
const LAUNCH_TIMEOUT_MS = 60_000;
/** Nothing of the daemon's environment reaches a supervisor, and so no workload either. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

export interface LauncherInit {
  readonly dataDir: string;
  readonly runtimeRoots: readonly string[];
  readonly runtimeOptions: Readonly<Record<string, unknown>>;
}

/** A supervisor that has no activity yet. */
export interface IdleSupervisor {
  readonly runtime: string;
  /** Gives it its activity, in the directory of that name. It is then on its own. */
  adopt(spec: ExeUnitSpec, directory: string): Promise<void>;
  /** Ends it, when it is still idle. */
  dismiss(): Promise<void>;
  /** Resolves when the process has ended. */
  readonly exited: Promise<void>;
}

/** Starts a supervisor process and waits until it is ready. `warm`: with what its runtime can prepare. */
export async function launchSupervisor(
  init: LauncherInit,
  runtime: string,
  warm: boolean,
  clock: Clock,
): Promise<IdleSupervisor> {
  const directory = join(activitiesDirectory(init.dataDir), `${WARM_PREFIX}${newId()}`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const child = await start({
    directory,
    runtime,
    warm,
    runtimeRoots: [...init.runtimeRoots],
    runtimeOptions: { [runtime]: init.runtimeOptions[runtime] },
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.unref();
  const idle = new Channel(child, exited, clock);
  try {
    await idle.expect('ready');
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    await removeTree(directory);
    throw error;
  }
  return {
    runtime,
    exited,
    async adopt(spec, target) {
      idle.send({ spec, directory: target });
      await idle.expect('adopted');
      idle.close();
    },
    async dismiss() {
      child.ref();
      idle.close();
      await exited;
    },
  };
}

async function start(settings: LaunchSettings): Promise<ChildProcess> {
  const log = await open(workPaths(settings.directory).log, 'a', 0o600);
  try {
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(settings)], {
      cwd: '/',
      env: ENVIRONMENT,
      // A session of its own: a signal to the daemon's terminal or group is not meant for it.
      detached: true,
      stdio: ['pipe', 'pipe', log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(failed(`cannot start a process: ${cause.message}`, cause)));
    });
    return child;
  } finally {
    await log.close();
  }
}

/** The pipes to a supervisor until it is adopted. */
class Channel {
  readonly #stdin: Writable;
  readonly #stdout: Readable;
  readonly #messages: AsyncGenerator;
  readonly #exited: Promise<void>;
  readonly #clock: Clock;

  constructor({ stdin, stdout }: ChildProcess, exited: Promise<void>, clock: Clock) {
    if (stdin === null || stdout === null) throw failed('it has no pipes');
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#exited = exited;
    this.#clock = clock;
    this.#messages = readJsonLines(stdout, 64 << 10);
    // It may end before it has read; its exit says so.
    stdin.on('error', () => undefined);
    this.#hold(false);
  }

  send(message: object): void {
    this.#stdin.write(jsonLine(message));
  }

  async expect(type: LaunchReport['type']): Promise<void> {
    const report = checkLaunchReport(await this.#next());
    if (report.type === 'failed') throw failed(report.message);
    if (report.type !== type) throw failed(`it said ${report.type} instead of ${type}`);
  }

  close(): void {
    this.#stdin.end();
    this.#stdout.destroy();
  }

  /** An idle supervisor keeps no daemon from exiting; one that is being waited for does. */
  #hold(held: boolean): void {
    for (const pipe of [this.#stdin, this.#stdout]) {
      if (pipe instanceof Socket && held) pipe.ref();
      else if (pipe instanceof Socket) pipe.unref();
    }
  }

  async #next(): Promise<unknown> {
    this.#hold(true);
    const timeout = Promise.withResolvers<never>();
    const cancel = this.#clock.setTimer(
      () => timeout.reject(failed(`it has said nothing for ${LAUNCH_TIMEOUT_MS} ms`)),
      LAUNCH_TIMEOUT_MS,
    );
    try {
      const next = await Promise.race([this.#messages.next(), timeout.promise]);
      if (next.done !== true) return next.value;
      await this.#exited;
      throw failed('it ended without a word; see its supervisor.log');
    } finally {
      this.#hold(false);
      cancel();
    }
  }
}

function failed(why: string, cause?: unknown): ExeUnitError {
  return new ExeUnitError(
    'ERR_EXE_UNIT_LAUNCH_FAILED',
    `a supervisor could not be started: ${why}`,
    {},
    { cause },
  );
}
