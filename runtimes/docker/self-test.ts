import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ExeUnitRuntime } from '../../src/interface/exe-unit-runtime.ts';
import { expectOutput } from '../shared/self-test.ts';
import { BLOCK, makeHeader, paddingOf } from './image/tar-header.ts';
import { BINARIES } from './init/binaries.ts';

const RESOURCES = { cpuThreads: 1, memoryBytes: 32 << 20, storageBytes: 1 << 20 };
const TEXT = 'ergon\n';

/** An image with one program in it: our own init, which needs nothing else and can print a line, too. */
function testImage(): Buffer {
  const program = gunzipSync(Buffer.from((BINARIES[process.arch] ?? []).join(''), 'base64'));
  const header = makeHeader('program', program.length, 0o755);
  return Buffer.concat([header, program, Buffer.alloc(paddingOf(program.length)), Buffer.alloc(2 * BLOCK)]);
}

/** Loads an image and runs a program of it, through the whole path. */
export async function selfTest(runtime: ExeUnitRuntime, workDir: string): Promise<void> {
  await mkdir(workDir, { recursive: true });
  const packagePath = path.join(workDir, 'self-test.tar');
  await writeFile(packagePath, testImage());
  const deployment = { workDir, packagePath, resources: RESOURCES };
  await expectOutput(runtime, deployment, { entryPoint: '/program', args: ['--self-test'] }, TEXT);
}
