import type { CreateRuntime } from '../../src/interface/exe-unit-runtime.ts';
import { problems, problemText } from '../../src/util/check.ts';
import { RuntimeError } from '../errors.ts';
import { Options } from './options.ts';
import { WasiRuntime } from './runtime.ts';

export type { WasiRuntimeInit } from './runtime.ts';
export { RANDOM_SEED } from './host/random.ts';
export { runLocally, type LocalDirectory, type LocalExit, type LocalRun } from './local.ts';

/** @throws RuntimeError ERR_RUNTIME_OPTIONS when `init` is not a WasiRuntimeInit */
export const createRuntime: CreateRuntime = (init, components) => {
  const wrong = problems(Options, init);
  if (wrong.length > 0) {
    const message = `The options of the WASI runtime are wrong: ${wrong.map(problemText).join('; ')}`;
    throw new RuntimeError('ERR_RUNTIME_OPTIONS', message, { problems: wrong });
  }
  return new WasiRuntime(init, components);
};
