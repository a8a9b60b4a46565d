import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../src/interface/clock.ts';
import type { RunCommand, RunExit, RunningCommand, RunOutput } from '../../src/interface/exe-unit-runtime.ts';
import { errorMessage } from '../../src/util/error-message.ts';
import { RuntimeError } from '../errors.ts';
import { killTree, MARKER_VARIABLE, signalTree } from './process-tree.ts';

const PROGRAM = fileURLToPath(new URL(`./program${extname(import.meta.url)}`, import.meta.url));

export interface LaunchInit {
  /** A program that runs the rest of its command line, or nothing. */
  readonly prefix: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly marker: string;
  readonly clock: Clock;
}

export interface LaunchedCommand extends RunningCommand {
  /** Process group of the command. */
  readonly group: number;
}

/** Starts one run; resolves once the process exists. */
export async function launch(
  init: LaunchInit,
  command: RunCommand,
  output: RunOutput,
): Promise<LaunchedCommand> {
  const [file, ...rest] = [...init.prefix, process.execPath, PROGRAM];
  const stdin = command.stdinPath === undefined ? undefined : await open(command.stdinPath, 'r');
  try {
    const child = spawn(file, [...rest, command.entryPoint, ...command.args], {
      cwd: init.cwd,
      env: { ...init.env, ...command.env, [MARKER_VARIABLE]: init.marker },
      stdio: [stdin?.fd ?? 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const group = await spawned(child);
    const kill = (): Promise<boolean> => killTree(init.marker, init.clock, group);
    return {
      group,
      exit: exitOf(child, kill, output),
      async signal(signal) {
        await signalTree(init.marker, signal, group);
      },
    };
  } finally {
    await stdin?.close();
  }
}

function spawned(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => {
      if (child.pid === undefined) reject(new RuntimeError('ERR_RUNTIME_FAILED', 'the process has no id'));
      else resolve(child.pid);
    });
    child.once('error', (cause) =>
      reject(
        new RuntimeError('ERR_RUNTIME_FAILED', `cannot start a process: ${cause.message}`, {}, { cause }),
      ),
    );
  });
}

async function exitOf(
  child: ChildProcess,
  kill: () => Promise<boolean>,
  output: RunOutput,
): Promise<RunExit> {
  const ended = new Promise<RunExit>((resolve) => {
    child.once('exit', (code, signal) => {
      const exit: RunExit =
        signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signaled', signal };
      // A command is its main process: what that left behind would hold the streams open.
      void kill().then(() => resolve(exit));
    });
  });
  try {
    await Promise.all([drain(child.stdout, output, 'stdout'), drain(child.stderr, output, 'stderr')]);
    return await ended;
  } catch (error) {
    await kill();
    await ended;
    return { kind: 'failed', message: errorMessage(error) };
  }
}

async function drain(stream: Readable | null, output: RunOutput, name: keyof RunOutput): Promise<void> {
  if (stream === null) return;
  for await (const chunk of stream) if (chunk instanceof Uint8Array) await output[name](chunk);
}
