import type {
  ExeUnitRuntime,
  RunCommand,
  RunExit,
  RunningCommand,
} from '../../src/interface/exe-unit-runtime.ts';
import { dockerRuntime, makePlace, removePlace, shell, type Place } from './docker-engine.ts';

export interface Ended {
  readonly exit: RunExit;
  readonly stdout: string;
  readonly stderr: string;
}

/** One activity in a container, for tests of what happens to it. */
export class DockerActivity {
  readonly place: Place;
  readonly runtime: ExeUnitRuntime;
  #handle = '';

  constructor(
    options: Record<string, unknown> = {},
    place: Place = makePlace(),
    runtime: ExeUnitRuntime = dockerRuntime(options),
  ) {
    this.place = place;
    this.runtime = runtime;
  }

  get handle(): string {
    return this.#handle;
  }

  get container(): string {
    const { container } = JSON.parse(this.#handle);
    return String(container);
  }

  async deploy(spec: Partial<Parameters<ExeUnitRuntime['deploy']>[0]> = {}): Promise<this> {
    this.#handle = await this.runtime.deploy({
      activityId: 'activity',
      workDir: this.place.workDir,
      packagePath: this.place.packagePath,
      env: {},
      resources: { cpuThreads: 1, memoryBytes: 64 << 20, storageBytes: 16 << 20 },
      ...spec,
    });
    return this;
  }

  async start(spec: Parameters<DockerActivity['deploy']>[0] = {}): Promise<this> {
    await this.deploy(spec);
    await this.runtime.start(this.#handle, []);
    return this;
  }

  /** Another supervisor takes it over. */
  async adoptedBy(runtime: ExeUnitRuntime): Promise<DockerActivity> {
    const heir = new DockerActivity({}, this.place, runtime);
    heir.#handle = this.#handle;
    if (!(await runtime.recover(this.#handle))) throw new Error('the container does not run any more');
    return heir;
  }

  launch(
    command: Partial<RunCommand>,
    onStdout: (chunk: Uint8Array) => void = () => undefined,
  ): Promise<RunningCommand> {
    return this.runtime.run(
      this.#handle,
      { entryPoint: 'true', args: [], env: {}, ...command },
      { stdout: async (chunk) => onStdout(chunk), stderr: async () => undefined },
    );
  }

  /** Runs a shell script to its end. */
  async run(script: string, ...args: string[]): Promise<Ended> {
    let stdout = '';
    let stderr = '';
    const running = await this.runtime.run(
      this.#handle,
      { ...shell(script, ...args), env: {} },
      {
        stdout: async (chunk) => void (stdout += Buffer.from(chunk).toString('latin1')),
        stderr: async (chunk) => void (stderr += Buffer.from(chunk).toString('latin1')),
      },
    );
    const exit = await running.exit;
    return { exit, stdout, stderr };
  }

  async remove(): Promise<void> {
    try {
      if (this.#handle !== '') await this.runtime.destroy(this.#handle);
    } finally {
      removePlace(this.place);
    }
  }
}
