import { join } from 'node:path';
import { statSync } from 'node:fs';
import type { CaseInput, ConformanceCase, LeftOut, Source } from './case.ts';
import { fetchPackage } from './fetch-package.ts';
import { COMPILERS } from './programs/compilers.ts';
import { INTERPRETERS } from './programs/interpreters.ts';
import type { ProgramInput, ProgramSpec } from './programs/spec.ts';
import { TOOLS } from './programs/tools.ts';

const PROGRAMS = [...INTERPRETERS, ...COMPILERS, ...TOOLS];

/** Large programs of public registries; one that cannot be fetched is left out, with the reason. */
export async function programCases(
  cache: string,
  only: readonly string[] | undefined,
  say: (text: string) => void,
): Promise<(ConformanceCase | LeftOut)[]> {
  const cases = [];
  for (const spec of PROGRAMS) {
    if (only !== undefined && !only.includes(spec.name)) continue;
    try {
      cases.push(caseOf(spec, await fetchPackage(cache, spec.package)));
    } catch (error) {
      const { name, package: wanted } = spec;
      const reason = `${wanted.name} ${wanted.version} could not be fetched from ${wanted.registry}`;
      say(`${reason}: ${String(error)}`);
      cases.push({ name, leftOut: reason });
    }
  }
  return cases;
}

function caseOf(spec: ProgramSpec, directory: string): ConformanceCase {
  const { name, module, args, env = {}, stdin, expect } = spec;
  return {
    name,
    program: join(directory, module),
    args,
    env,
    ...(stdin !== undefined && { stdin }),
    inputs: Object.entries(spec.inputs ?? {}).map(([path, input]): CaseInput => ({
      path,
      from: sourceOf(input, directory),
    })),
    expect,
  };
}

function sourceOf(input: ProgramInput, directory: string): Source {
  if (typeof input === 'string') return { text: input };
  const path = join(directory, input.inPackage);
  return statSync(path).isDirectory() ? { directory: path } : { file: path };
}
