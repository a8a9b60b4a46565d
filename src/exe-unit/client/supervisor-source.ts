import type { Clock } from '../../interface/clock.ts';
import type { ExeUnitSpec } from '../../interface/exe-unit.ts';
import type { Logger } from '../../interface/logger.ts';
import type { RuntimeRegistry } from '../registry.ts';
import { launchSupervisor, type IdleSupervisor } from './launcher.ts';
import { WarmPool } from './warm-pool.ts';
import { isThere } from './work-directories.ts';

interface Init {
  readonly dataDir: string;
  /** How many supervisors of each runtime are kept ready. */
  readonly warm: Readonly<Record<string, number>>;
}

interface Components {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtimes: RuntimeRegistry;
}

/** Where supervisors come from: the warm pool, or else a process that is started for the activity. */
export class SupervisorSource {
  readonly #dataDir: string;
  readonly #components: Components;
  readonly #pool: WarmPool;

  constructor({ dataDir, warm }: Init, components: Components) {
    this.#dataDir = dataDir;
    this.#components = components;
    const { clock, logger } = components;
    this.#pool = new WarmPool(warm, { clock, logger, launch: (runtime) => this.#launch(runtime, true) });
  }

  start(): void {
    this.#pool.start();
  }

  async stop(): Promise<void> {
    await this.#pool.stop();
  }

  /** Resolves when the warm pool is as full as it gets. */
  async warmed(): Promise<void> {
    await this.#pool.settled();
  }

  /**
   * Gives the activity a supervisor, in the directory of its name. A warm one that fails before the directory has the
   * name did nothing yet, so another one is started.
   * @throws ExeUnitError ERR_EXE_UNIT_RUNTIME_UNKNOWN, ERR_EXE_UNIT_DESCRIPTOR, ERR_EXE_UNIT_LAUNCH_FAILED
   */
  async supply(spec: ExeUnitSpec, directory: string): Promise<void> {
    // Loads it here too: a runtime that does not exist is refused before a process is spent on it.
    await this.#components.runtimes.load(spec.runtime);
    const warm = this.#pool.take(spec.runtime);
    if (warm !== undefined && (await this.#adoptWarm(warm, spec, directory))) return;
    await adopt(await this.#launch(spec.runtime, false), spec, directory);
  }

  async #adoptWarm(warm: IdleSupervisor, spec: ExeUnitSpec, directory: string): Promise<boolean> {
    try {
      await adopt(warm, spec, directory);
      return true;
    } catch {
      return isThere(directory);
    }
  }

  #launch(runtime: string, warm: boolean): Promise<IdleSupervisor> {
    const { runtimes, clock } = this.#components;
    const { runtimeRoots, options } = runtimes.settings;
    return launchSupervisor(
      { dataDir: this.#dataDir, runtimeRoots, runtimeOptions: options },
      runtime,
      warm,
      clock,
    );
  }
}

async function adopt(idle: IdleSupervisor, spec: ExeUnitSpec, directory: string): Promise<void> {
  try {
    await idle.adopt(spec, directory);
  } catch (error) {
    void idle.dismiss();
    throw error;
  }
}
