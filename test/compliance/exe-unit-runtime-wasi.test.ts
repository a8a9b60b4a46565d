import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRuntime } from '../../runtimes/wasi/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import { exeUnitRuntimeSuite } from './exe-unit-runtime.suite.ts';

const descriptor = JSON.parse(
  readFileSync(new URL('../../runtimes/wasi/descriptor.json', import.meta.url), 'utf8'),
);
const fixtures = fileURLToPath(new URL('../fixtures/wasi/', import.meta.url));

/** With all that the machine offers, and with as little as any machine has. */
const VARIANTS = {
  wasi: {},
  'wasi without a sandbox program and control groups': { sandbox: 'permission', cgroups: false },
};

for (const [name, init] of Object.entries(VARIANTS)) {
  exeUnitRuntimeSuite(name, {
    async setup() {
      const workDir = join(mkdtempSync(join(tmpdir(), 'ergon-wasi-')), 'work');
      mkdirSync(workDir);
      return {
        runtime: createRuntime(init, { descriptor, clock: systemClock(), logger: silentLogger }),
        workDir,
        badPackagePath: join(fixtures, 'behave.c'),
        program: (behaviour, ...args) => ({
          packagePath: join(fixtures, 'behave.wasm'),
          command: { entryPoint: 'behave', args: [behaviour, ...args] },
        }),
      };
    },
    async teardown({ workDir }) {
      rmSync(dirname(workDir), { recursive: true, force: true });
    },
  });
}
