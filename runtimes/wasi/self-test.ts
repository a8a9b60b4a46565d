import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ExeUnitRuntime } from '../../src/interface/exe-unit-runtime.ts';
import { expectOutput } from '../shared/self-test.ts';

const TEXT = 'ergon\n';
const RESOURCES = { cpuThreads: 1, memoryBytes: 16 << 20, storageBytes: 1 << 20 };

/**
 * `(import "wasi_snapshot_preview1" "fd_write" …)`, one page of memory with an iovec at 0 and the text at 16, and a
 * `_start` that writes it to stdout.
 */
function testModule(): Uint8Array {
  const ascii = (text: string): number[] => [...Buffer.from(text, 'ascii')];
  const name = (text: string): number[] => [text.length, ...ascii(text)];
  const section = (id: number, ...body: number[]): number[] => [id, body.length, ...body];
  const data = [16, 0, 0, 0, TEXT.length, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...ascii(TEXT)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, 2, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 0),
    ...section(2, 1, ...name('wasi_snapshot_preview1'), ...name('fd_write'), 0, 0),
    ...section(3, 1, 1),
    ...section(5, 1, 0, 1),
    ...section(7, 2, ...name('memory'), 2, 0, ...name('_start'), 0, 1),
    ...section(10, 1, 13, 0, 0x41, 1, 0x41, 0, 0x41, 1, 0x41, 8, 0x10, 0, 0x1a, 0x0b),
    ...section(11, 1, 0, 0x41, 0, 0x0b, data.length, ...data),
  ]);
}

/** Deploys and runs a program that prints a line, through the whole path. */
export async function selfTest(runtime: ExeUnitRuntime, workDir: string): Promise<void> {
  const packagePath = path.join(workDir, 'self-test.wasm');
  await writeFile(packagePath, testModule());
  const deployment = { workDir, packagePath, resources: RESOURCES };
  await expectOutput(runtime, deployment, { entryPoint: 'self-test', args: [] }, TEXT);
}
