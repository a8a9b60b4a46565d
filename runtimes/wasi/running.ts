import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RunExit, RunOutput } from '../../src/interface/exe-unit-runtime.ts';
import { errorMessage } from '../../src/util/error-message.ts';
import { RuntimeError } from '../errors.ts';
import type { ProcessExit, RunnerProcess } from './sandbox/runner-process.ts';

/** @throws RuntimeError ERR_RUNTIME_FAILED when the file cannot be read */
export async function openStdin(stdinPath: string | undefined): Promise<Readable> {
  if (stdinPath === undefined) return Readable.from([]);
  try {
    return (await open(stdinPath)).createReadStream();
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_FAILED',
      `stdin cannot be read from ${stdinPath}`,
      { stdinPath },
      { cause },
    );
  }
}

/** Feeds a run its stdin. A guest need not read it all, or any. */
export async function feedStdin(runner: RunnerProcess, stdin: Readable): Promise<void> {
  await pipeline(stdin, runner.stdin).catch(() => undefined);
}

/**
 * Hands a run's output on, each stream as fast as its reader takes it, and resolves when the process has ended and both
 * are drained. Rejects when a reader fails; the runner is killed then.
 */
export async function drain(runner: RunnerProcess, output: RunOutput): Promise<ProcessExit> {
  const pump = async (stream: Readable, take: (chunk: Uint8Array) => Promise<void>): Promise<void> => {
    for await (const chunk of stream) await take(chunk as Uint8Array);
  };
  try {
    const [exit] = await Promise.all([
      runner.exited,
      pump(runner.stdout, (chunk) => output.stdout(chunk)),
      pump(runner.stderr, (chunk) => output.stderr(chunk)),
    ]);
    return exit;
  } catch (error) {
    runner.kill();
    await runner.exited;
    throw error;
  }
}

/** The end of a run that failed on our side, not the program's. */
export function failedExit(error: unknown): RunExit {
  return { kind: 'failed', message: errorMessage(error) };
}
