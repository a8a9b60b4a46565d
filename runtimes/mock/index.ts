import type { CreateRuntime } from '../../src/interface/exe-unit-runtime.ts';
import { mockRuntime } from './runtime.ts';

export const createRuntime: CreateRuntime = (_init, components) => mockRuntime(components);
