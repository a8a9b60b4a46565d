import type { Clock } from '../../interface/clock.ts';
import type { Logger } from '../../interface/logger.ts';
import type { IdleSupervisor } from './launcher.ts';

const MAX_FAILURES = 3;

export interface WarmPoolComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly launch: (runtime: string) => Promise<IdleSupervisor>;
}

/** Supervisors that were started before they are needed. */
export class WarmPool {
  readonly #sizes: Readonly<Record<string, number>>;
  readonly #components: WarmPoolComponents;
  readonly #idle = new Map<string, Set<IdleSupervisor>>();
  readonly #launching = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #work = new Set<Promise<void>>();
  #running = false;

  constructor(sizes: Readonly<Record<string, number>>, components: WarmPoolComponents) {
    this.#sizes = sizes;
    this.#components = components;
  }

  start(): void {
    this.#running = true;
    for (const runtime of Object.keys(this.#sizes)) this.#fill(runtime);
  }

  /** A ready one, when there is; its place is filled again. */
  take(runtime: string): IdleSupervisor | undefined {
    const [supervisor] = this.#idle.get(runtime) ?? [];
    if (supervisor !== undefined) this.#idle.get(runtime)?.delete(supervisor);
    this.#failures.delete(runtime);
    this.#fill(runtime);
    return supervisor;
  }

  /** Resolves when nothing is being started: the pool is as full as it gets. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.settled();
    const idle = [...this.#idle.values()].flatMap((supervisors) => [...supervisors]);
    for (const supervisors of this.#idle.values()) supervisors.clear();
    await Promise.all(idle.map((supervisor) => supervisor.dismiss()));
  }

  #fill(runtime: string): void {
    const idle = this.#idle.get(runtime)?.size ?? 0;
    const launching = this.#launching.get(runtime) ?? 0;
    const failures = this.#failures.get(runtime) ?? 0;
    if (!this.#running || idle + launching >= (this.#sizes[runtime] ?? 0) || failures >= MAX_FAILURES) return;
    this.#launching.set(runtime, launching + 1);
    const work = this.#launch(runtime).finally(() => {
      this.#launching.set(runtime, (this.#launching.get(runtime) ?? 1) - 1);
      this.#work.delete(work);
      this.#fill(runtime);
    });
    this.#work.add(work);
  }

  async #launch(runtime: string): Promise<void> {
    try {
      const supervisor = await this.#components.launch(runtime);
      const idle = this.#idle.get(runtime) ?? new Set();
      this.#idle.set(runtime, idle.add(supervisor));
      this.#failures.delete(runtime);
      void supervisor.exited.then(() => {
        // Not for us to mourn when it was adopted: it is in no set then.
        if (idle.delete(supervisor)) this.#failed(runtime, 'an idle supervisor ended');
      });
    } catch (error) {
      this.#failed(runtime, String(error));
    }
  }

  #failed(runtime: string, error: string): void {
    const failures = (this.#failures.get(runtime) ?? 0) + 1;
    this.#failures.set(runtime, failures);
    this.#components.logger.warn({ runtime, failures, error }, 'warm supervisor failed');
    this.#fill(runtime);
  }
}
