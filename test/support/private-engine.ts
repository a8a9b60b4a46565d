import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { endIn, HERE, type Place } from '../../scripts/local-node.ts';
import { parentOf, processIds, textOf } from '../hostile/watch.ts';
import { engineCall } from './docker-engine.ts';

const START_MS = 60_000;
const POLL_MS = 50;

/** A machine with a /run of its own, that an engine may be in. */
export interface EnginePlace extends Place {
  /** A file of it, seen from here. */
  path(inside: string): string;
}

/** A second engine with directories, a socket and a containerd of its own, which a test may kill. */
export class PrivateEngine {
  readonly root = mkdtempSync(join(tmpdir(), 'ergon-engine-'));
  readonly socketPath = join(this.root, 'docker.sock');
  readonly #configFile = join(this.root, 'daemon.json');
  readonly #place: EnginePlace;
  /** What does not outlive a boot. */
  readonly #runDir: string;
  #process: ChildProcess | undefined;

  constructor(config: Record<string, unknown> = {}, machine?: EnginePlace) {
    this.#place = machine ?? { ...HERE, path: (inside) => inside };
    this.#runDir = machine === undefined ? this.root : `/run/${basename(this.root)}`;
    this.configure(config);
  }

  /** Holds from its next start. */
  configure(config: Record<string, unknown>): void {
    writeFileSync(this.#configFile, JSON.stringify(config));
  }

  async start(): Promise<void> {
    const at = (name: string): string => join(this.root, name);
    const [program = '', ...args] = this.#place.command([
      ...['dockerd', '--config-file', this.#configFile, '--host', `unix://${this.socketPath}`],
      ...['--pidfile', join(this.#runDir, 'pid'), '--exec-root', join(this.#runDir, 'exec')],
      ...['--data-root', at('data'), '--iptables=false', '--bridge=none'],
    ]);
    const runDir = this.#place.path(this.#runDir);
    // Without those above it: below a /proc/PID that is not there, Node tries to make them for ever.
    if (!existsSync(runDir)) mkdirSync(runDir);
    const log = openSync(at('log'), 'a');
    const engine = spawn(program, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#process = engine;
    for (let waitedMs = 0; waitedMs < START_MS; waitedMs += POLL_MS) {
      if ((await engineCall('GET', '/_ping', this.socketPath).catch(() => 0)) === 200) return;
      if (engine.exitCode !== null || engine.signalCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`the private engine does not start: ${readFileSync(at('log'), 'utf8').slice(-2000)}`);
  }

  get isUp(): boolean {
    const engine = this.#process;
    return engine !== undefined && engine.exitCode === null && engine.signalCode === null;
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    const engine = this.#process;
    if (engine === undefined || !this.isUp) return;
    await endIn(this.#place, engine, 'SIGKILL');
    // Its containerd dies with it, a moment later; a new engine would take the dying one for alive.
    while (this.#containerds().length > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    // Where nobody reaps orphans, its number stays in use for ever.
    rmSync(this.#place.path(join(this.#runDir, 'exec/containerd/containerd.pid')), { force: true });
  }

  /** After its machine's power has failed: its socket was of that boot. */
  forget(): void {
    this.#process = undefined;
    rmSync(this.socketPath, { force: true });
  }

  /** Ids of all that it has on its disk. */
  containersOnDisk(): string[] {
    const directory = join(this.root, 'data/containers');
    return existsSync(directory) ? readdirSync(directory) : [];
  }

  /** Processes that keep a container each. */
  shims(): number[] {
    return pidsWith((line) => line.includes('containerd-shim') && line.includes(this.#runDir));
  }

  /** Stops answering without ending, and goes on. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }
  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Ends it with all that it has started, and removes every trace. */
  async remove(): Promise<void> {
    this.thaw();
    await this.kill();
    for (const pid of this.#processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    for (let attempt = 0; attempt < 50; attempt += 1) {
      await this.#unmount();
      try {
        rmSync(this.root, { recursive: true, force: true });
        return;
      } catch (error) {
        appendFileSync(join(tmpdir(), 'ergon-private-engine.log'), `${String(error)}\n`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  #containerds(): number[] {
    return pidsWith((commandLine) => commandLine.startsWith(`containerd\0--config\0${this.#runDir}/`));
  }

  /** Shims and inits: what names our directory, or lives in a container of one that does. */
  #processes(): number[] {
    const shims = pidsWith((commandLine) =>
      [this.root, this.#runDir].some((directory) => commandLine.includes(directory)),
    );
    return [...shims, ...processIds().filter((pid) => shims.includes(parentOf(pid)))];
  }

  async #unmount(): Promise<void> {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((mount) => mount.startsWith(this.root))
      .reverse();
    for (const mount of mounts) await once(spawn('umount', ['-l', mount], { stdio: 'ignore' }), 'exit');
  }
}

function pidsWith(matches: (commandLine: string) => boolean): number[] {
  return processIds().filter((pid) => pid !== process.pid && matches(textOf(`/proc/${pid}/cmdline`)));
}
