import { RuntimeError } from '../../errors.ts';
import { bubblewrap } from './bubblewrap.ts';
import { findCode } from './layout.ts';
import { permissionOnly } from './plain.ts';
import type { FindProgram } from './programs.ts';
import { nodeFlags, withResourceLimits } from './resource-limits.ts';
import { RunnerProcess, type GuestStdio, type RunnerComponents } from './runner-process.ts';
import type { Sandbox, SandboxName, SandboxPlan, SandboxView } from './sandbox.ts';
import { setpriv } from './setpriv.ts';

/** Which sandboxes may be tried. */
export interface LadderInit {
  /** Only this one, and no weaker one in its place. */
  readonly sandbox?: SandboxName;
  readonly findProgram: FindProgram;
}

/**
 * The ways to confine a runner, strongest first. One counts as available when a runner has really come up in it:
 * kernels, containers and distributions forbid too many things in too many ways to be asked instead.
 */
export class SandboxLadder {
  readonly #rungs: readonly Sandbox[];
  readonly #components: RunnerComponents;
  readonly #failures = new Map<SandboxName, string>();
  #chosen: Sandbox | undefined;

  constructor(init: LadderInit, components: RunnerComponents) {
    const { findProgram } = init;
    const all = [
      bubblewrap(findProgram, process.arch),
      setpriv(findProgram, process.getuid?.() ?? 0),
      permissionOnly(findProgram),
    ];
    const allowed = all.filter(({ name }) => init.sandbox === undefined || name === init.sandbox);
    this.#rungs = allowed.map((sandbox) => withResourceLimits(sandbox, findProgram));
    this.#components = components;
  }

  /** Why the stronger ones could not be used, as far as they were tried. */
  get failures(): ReadonlyMap<SandboxName, string> {
    return this.#failures;
  }

  /**
   * Starts a runner in the strongest sandbox that works; once one has worked, only in that one.
   * @throws RuntimeError ERR_RUNTIME_UNAVAILABLE when none does
   */
  async launch(view: SandboxView, stdio: GuestStdio): Promise<RunnerProcess> {
    const full: SandboxPlan = { ...view, code: findCode(), nodeFlags: nodeFlags() };
    let last: unknown;
    for (const sandbox of this.#chosen === undefined ? this.#rungs : [this.#chosen]) {
      try {
        const runner = new RunnerProcess(sandbox, full, stdio, this.#components);
        await runner.ready();
        this.#chosen = sandbox;
        return runner;
      } catch (error) {
        // A fault of ours is no reason to confine less.
        if (!(error instanceof RuntimeError)) throw error;
        last = error;
        this.#failures.set(sandbox.name, error.message);
        this.#components.logger.warn(
          { sandbox: sandbox.name, reason: error.message },
          'sandbox did not start',
        );
      }
    }
    throw last;
  }
}
