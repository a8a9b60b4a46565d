import type {
  RunCommand,
  RunningCommand,
  RunOutput,
  RuntimeStats,
} from '../../src/interface/exe-unit-runtime.ts';
import { RuntimeError } from '../errors.ts';

/** The calls that a runtime passes on to one of its deployments. */
export interface LiveDeployment {
  run(command: RunCommand, output: RunOutput): Promise<RunningCommand>;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  stats(): Promise<RuntimeStats>;
  /** Kills whatever runs in it. */
  stop(): Promise<void>;
}

/** A runtime that keeps its deployments by handle and passes every call on to them, but those that make or end one. */
export abstract class DeploymentsRuntime<D extends LiveDeployment> {
  /** By handle; those that this process made or took over. */
  protected readonly deployments = new Map<string, D>();

  run(handle: string, command: RunCommand, output: RunOutput): Promise<RunningCommand> {
    return this.deployed(handle, (deployment) => deployment.run(command, output));
  }

  suspend(handle: string): Promise<void> {
    return this.deployed(handle, (deployment) => deployment.suspend());
  }

  resume(handle: string): Promise<void> {
    return this.deployed(handle, (deployment) => deployment.resume());
  }

  stats(handle: string): Promise<RuntimeStats> {
    return this.deployed(handle, (deployment) => deployment.stats());
  }

  async stop(handle: string): Promise<void> {
    await this.deployments.get(handle)?.stop();
  }

  /** @throws RuntimeError ERR_RUNTIME_HANDLE when this process has no such deployment */
  protected async deployed<T>(handle: string, use: (deployment: D) => T | Promise<T>): Promise<T> {
    const deployment = this.deployments.get(handle);
    if (deployment !== undefined) return use(deployment);
    const workDir = this.workDirOf(handle);
    throw new RuntimeError('ERR_RUNTIME_HANDLE', `Nothing is deployed in ${workDir} by this process`, {
      workDir,
    });
  }

  /** @throws RuntimeError ERR_RUNTIME_HANDLE when it is no handle at all */
  protected abstract workDirOf(handle: string): string;
}
