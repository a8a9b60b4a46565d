import type { CreateRuntime } from '../../src/interface/exe-unit-runtime.ts';
import { settingsOf } from './options.ts';
import { DockerRuntime } from './runtime.ts';

export { runContainerLocally, type LocalContainerRun, type LocalStreams } from './local.ts';
export type { DockerRuntimeInit } from './options.ts';

/** @throws RuntimeError ERR_RUNTIME_OPTIONS when `init` is not a DockerRuntimeInit */
export const createRuntime: CreateRuntime = (init, components) =>
  new DockerRuntime(settingsOf(init), components);
