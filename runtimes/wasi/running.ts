import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RunExit, RunOutput } from '../../src/interface/exe-unit-runtime.ts';
import type { ProcessExit, RunnerProcess } from './sandbox/runner-process.ts';

/** Feeds a run its stdin. A guest need not read it all, or any. */
export async function feedStdin(runner: RunnerProcess, stdinPath: string | undefined): Promise<void> {
  if (stdinPath === undefined) {
    runner.stdin.end();
    return;
  }
  await pipeline(createReadStream(stdinPath), runner.stdin).catch(() => undefined);
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

export function failedExit(error: unknown): RunExit {
  return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
}
