import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRuntime } from '../../../runtimes/wasi/index.ts';
import type {
  DeploySpec,
  ExeUnitRuntime,
  RunCommand,
  RunExit,
  RunningCommand,
} from '../../../src/interface/exe-unit-runtime.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

export const BEHAVE = fileURLToPath(new URL('../../fixtures/wasi/behave.wasm', import.meta.url));
export const MEMORY_BYTES = 32 << 20;
const RESOURCES = { cpuThreads: 1, memoryBytes: MEMORY_BYTES, storageBytes: 1 << 20 };
const descriptor = JSON.parse(
  fs.readFileSync(new URL('../../../runtimes/wasi/descriptor.json', import.meta.url), 'utf8'),
);

export function wasiRuntime(init: Record<string, unknown> = {}): ExeUnitRuntime {
  return createRuntime(init, { descriptor, clock: systemClock(), logger: silentLogger });
}

export interface Finished {
  readonly exit: RunExit;
  readonly stdout: string;
  readonly stderr: string;
}

let activities = 0;

/** One deployed program in a directory of its own. */
export class WasiActivity {
  readonly runtime: ExeUnitRuntime;
  readonly activityId = `test-${process.pid}-${activities++}`;
  readonly workDir = fs.mkdtempSync(path.join(os.tmpdir(), 'ergon-wasi-'));
  handle = '';

  constructor(runtime = wasiRuntime()) {
    this.runtime = runtime;
  }

  async deploy(program: string | Uint8Array, more: Partial<DeploySpec> = {}): Promise<this> {
    let packagePath = program;
    if (typeof packagePath !== 'string') {
      const bytes = packagePath;
      packagePath = path.join(this.workDir, 'package.wasm');
      fs.writeFileSync(packagePath, bytes);
    }
    const { activityId, workDir } = this;
    this.handle = await this.runtime.deploy({
      activityId,
      workDir,
      packagePath,
      env: {},
      resources: RESOURCES,
      ...more,
    });
    await this.runtime.start(this.handle, []);
    return this;
  }

  /** Of the process that runs the program, or waits for one. */
  get runnerPid(): number {
    const text = fs.readFileSync(path.join(this.workDir, 'runtime/process.json'), 'utf8');
    return (JSON.parse(text) as { pid: number }).pid;
  }

  launch(
    args: readonly string[],
    onOutput: (text: string) => void = () => undefined,
  ): Promise<RunningCommand> {
    return this.runtime.run(
      this.handle,
      { entryPoint: 'program', args, env: {} },
      {
        stdout: async (chunk) => onOutput(Buffer.from(chunk).toString()),
        stderr: async (chunk) => onOutput(Buffer.from(chunk).toString()),
      },
    );
  }

  run(...args: string[]): Promise<Finished> {
    return this.command({ args });
  }

  async command(more: Partial<RunCommand>): Promise<Finished> {
    let stdout = '';
    let stderr = '';
    const running = await this.runtime.run(
      this.handle,
      { entryPoint: 'program', args: [], env: {}, ...more },
      {
        stdout: async (chunk) => void (stdout += Buffer.from(chunk).toString()),
        stderr: async (chunk) => void (stderr += Buffer.from(chunk).toString()),
      },
    );
    const exit = await running.exit;
    return { exit, stdout, stderr };
  }

  async end(): Promise<void> {
    if (this.handle !== '') await this.runtime.destroy(this.handle);
    fs.rmSync(this.workDir, { recursive: true, force: true });
  }
}

/** Control groups on this machine with this in their name. */
export function groupsNamed(name: string): string[] {
  const found: string[] = [];
  const visit = (directory: string): void => {
    for (const item of fs.readdirSync(directory, { withFileTypes: true })) {
      if (!item.isDirectory()) continue;
      if (item.name.includes(name)) found.push(path.join(directory, item.name));
      else visit(path.join(directory, item.name));
    }
  };
  if (fs.existsSync('/sys/fs/cgroup')) visit('/sys/fs/cgroup');
  return found;
}

export function isAlive(pid: number): boolean {
  // A zombie is dead; it only waits for its parent.
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
