import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineCall } from './docker-engine.ts';

const START_MS = 60_000;
const POLL_MS = 50;

/** A second engine with directories, a socket and a containerd of its own, which a test may kill. */
export class PrivateEngine {
  readonly root = mkdtempSync(join(tmpdir(), 'ergon-engine-'));
  readonly socketPath = join(this.root, 'docker.sock');
  readonly #configFile = join(this.root, 'daemon.json');
  #process: ChildProcess | undefined;

  constructor(config: Record<string, unknown> = {}) {
    writeFileSync(this.#configFile, JSON.stringify(config));
  }

  async start(): Promise<void> {
    const at = (name: string): string => join(this.root, name);
    const log = openSync(at('log'), 'a');
    const engine = spawn(
      'dockerd',
      [
        ...['--config-file', this.#configFile, '--host', `unix://${this.socketPath}`, '--pidfile', at('pid')],
        ...['--data-root', at('data'), '--exec-root', at('exec'), '--iptables=false', '--bridge=none'],
      ],
      { stdio: ['ignore', log, log] },
    );
    this.#process = engine;
    for (let waitedMs = 0; waitedMs < START_MS; waitedMs += POLL_MS) {
      if ((await engineCall('GET', '/_ping', this.socketPath).catch(() => 0)) === 200) return;
      if (engine.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`the private engine does not start: ${readFileSync(at('log'), 'utf8').slice(-2000)}`);
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    const engine = this.#process;
    if (engine?.exitCode !== null || engine.signalCode !== null) return;
    engine.kill('SIGKILL');
    await once(engine, 'exit');
    // Its containerd dies with it, a moment later; a new engine would take the dying one for alive.
    while (this.#containerds().length > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    // Where nobody reaps orphans, its number stays in use for ever.
    rmSync(join(this.root, 'exec/containerd/containerd.pid'), { force: true });
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
    return pidsWith((commandLine) => commandLine.startsWith(`containerd\0--config\0${this.root}`));
  }

  /** Shims and inits: what names our directory, or lives in a container of one that does. */
  #processes(): number[] {
    const shims = pidsWith((commandLine) => commandLine.includes(this.root));
    const children = readdirSync('/proc')
      .filter((name) => /^[0-9]+$/.test(name))
      .filter((name) => shims.includes(parentOf(name)))
      .map(Number);
    return [...shims, ...children];
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
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && name !== String(process.pid))
    .filter((name) => {
      try {
        return matches(readFileSync(`/proc/${name}/cmdline`, 'latin1'));
      } catch {
        return false;
      }
    })
    .map(Number);
}

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
