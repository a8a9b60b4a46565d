import { mkdtempSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRuntime } from '../../runtimes/mock/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import { exeUnitRuntimeSuite } from './exe-unit-runtime.suite.ts';

const descriptor = JSON.parse(
  readFileSync(new URL('../../runtimes/mock/descriptor.json', import.meta.url), 'utf8'),
);

exeUnitRuntimeSuite('mock', {
  async setup() {
    const workDir = join(mkdtempSync(join(tmpdir(), 'ergon-mock-')), 'work');
    mkdirSync(workDir);
    return {
      runtime: createRuntime({}, { descriptor, clock: systemClock(), logger: silentLogger }),
      workDir,
      badPackagePath: join(workDir, 'missing'),
      program: (behaviour, ...args) => ({ command: { entryPoint: behaviour, args } }),
    };
  },
  async teardown({ workDir }) {
    rmSync(dirname(workDir), { recursive: true, force: true });
  },
});
